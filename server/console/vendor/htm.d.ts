// The types of htm.
declare const htm: { bind(h: any): (strings: TemplateStringsArray, ...values: unknown[]) => any };
export default htm;
