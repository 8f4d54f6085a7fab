// The types of what the console uses of Preact.
export type Node = any;
export function h(type: any, props: any, ...children: any[]): Node;
export function render(node: Node, parent: Element): void;
export function createContext<T>(value: T): { Provider: any; Consumer: any };
export const Fragment: any;
