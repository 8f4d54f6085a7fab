// Values of documents. All documents are read as canonical Extended JSON, in which every value keeps its type.

/** @typedef {any} Value A value as canonical Extended JSON. */

/** @type {Record<string, string>} */
const KINDS = {
  $numberInt: "int",
  $numberLong: "long",
  $numberDouble: "double",
  $numberDecimal: "decimal",
  $oid: "objectId",
  $date: "date",
  $binary: "binary",
  $uuid: "binary",
  $regularExpression: "regex",
  $timestamp: "timestamp",
  $minKey: "minKey",
  $maxKey: "maxKey",
  $code: "code",
  $symbol: "symbol",
  $undefined: "undefined",
  $dbPointer: "dbPointer",
};

/**
 * The type of a value, by the names of MongoDB's `$type`.
 *
 * @param {Value} value
 * @returns {string}
 */
export function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value !== "object") return typeof value === "boolean" ? "bool" : typeof value === "number" ? "int" : "string";
  const [first] = Object.keys(value);
  return (first !== undefined && KINDS[first]) || "object";
}

/**
 * A value in a line, as a person reads it: texts without quotes, dates without their wrapping.
 *
 * @param {Value} value
 * @returns {string}
 */
export function text(value) {
  if (value === undefined) return "";
  switch (kindOf(value)) {
    case "string":
      return value;
    case "int":
    case "long":
    case "double":
    case "decimal":
      return numberText(value);
    case "bool":
    case "null":
      return String(value);
    case "objectId":
      return value.$oid;
    case "date":
      return dateText(value);
    case "binary":
      return value.$uuid ?? `binary ${value.$binary.base64}`;
    case "regex":
      return `/${value.$regularExpression.pattern}/${value.$regularExpression.options}`;
    case "timestamp":
      return `timestamp ${value.$timestamp.t}.${value.$timestamp.i}`;
    case "array":
      return `[${value.map(text).join(", ")}]`;
    case "object":
      return `{${Object.entries(value)
        .map(([name, one]) => `${name}: ${text(one)}`)
        .join(", ")}}`;
    default:
      return JSON.stringify(value);
  }
}

/** @param {Value} value */
function numberText(value) {
  return typeof value === "number" ? String(value) : String(Object.values(value)[0]);
}

/** @param {Value} value */
function dateText(value) {
  const { $date } = value;
  if (typeof $date === "string") return $date;
  const date = new Date(Number($date.$numberLong));
  return Number.isNaN(date.getTime()) ? `date ${$date.$numberLong}` : date.toISOString();
}

/**
 * A value as JSON that a person can edit, and that means exactly the same: numbers are plain where plain ones keep
 * their type, dates are texts.
 *
 * @param {Value} value
 * @param {string} [indent]
 * @returns {string}
 */
export function source(value, indent = "") {
  const inner = `${indent}  `;
  switch (kindOf(value)) {
    case "int":
      return numberText(value);
    case "double": {
      const digits = numberText(value);
      if (!/^-?\d/.test(digits)) return JSON.stringify(value);
      return /[.eE]/.test(digits) ? digits : `${digits}.0`;
    }
    case "date": {
      const written = dateText(value);
      return /^\d{4}-/.test(written) ? JSON.stringify({ $date: written }) : JSON.stringify(value);
    }
    case "array":
      if (value.length === 0) return "[]";
      return `[\n${value.map((/** @type {Value} */ one) => inner + source(one, inner)).join(",\n")}\n${indent}]`;
    case "object": {
      const fields = Object.entries(value);
      if (fields.length === 0) return "{}";
      const lines = fields.map(([name, one]) => `${inner}${JSON.stringify(name)}: ${source(one, inner)}`);
      return `{\n${lines.join(",\n")}\n${indent}}`;
    }
    default:
      return JSON.stringify(value);
  }
}

/**
 * An `_id` as it stands in a path: `7` is the number, `x` and `"7"` are texts, all others are JSON.
 *
 * @param {Value} id
 */
export function idText(id) {
  if (kindOf(id) === "int") return numberText(id);
  if (typeof id !== "string") return JSON.stringify(id);
  try {
    JSON.parse(id);
    return JSON.stringify(id);
  } catch {
    return id;
  }
}

/** The `_id` that a path has, by the same rule. @param {string} path */
export function idOf(path) {
  try {
    return JSON.parse(path);
  } catch {
    return path;
  }
}
