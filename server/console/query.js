// What people type as filters and documents: JSON, or the notation of MongoDB's shell, such as {age: {$gt: 30}}.

/** @type {Record<string, (argument: string) => string>} */
const CALLS = {
  ObjectId: (text) => `{"$oid":${text}}`,
  ISODate: (text) => `{"$date":${text}}`,
  Date: (text) => `{"$date":${text}}`,
  NumberInt: (text) => `{"$numberInt":${quoted(text)}}`,
  NumberLong: (text) => `{"$numberLong":${quoted(text)}}`,
  NumberDecimal: (text) => `{"$numberDecimal":${quoted(text)}}`,
  UUID: (text) => `{"$uuid":${text}}`,
};

/** @param {string} text */
const quoted = (text) => (text.startsWith('"') ? text : JSON.stringify(text));

/**
 * Extended JSON of what was typed. Numbers stay as they are written, so that 5.0 is not 5. Throws a `SyntaxError`.
 *
 * @param {string} typed
 */
export function toJson(typed) {
  const reader = new Reader(typed);
  const json = reader.value();
  reader.end();
  return json;
}

/** What is wrong with a text that shall be a document, or undefined; nothing is wrong with an empty one. @param {string} typed */
export function documentProblem(typed) {
  if (typed.trim() === "") return undefined;
  try {
    return toJson(typed).startsWith("{") ? undefined : "expected a document: {…}";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

class Reader {
  /** @param {string} typed */
  constructor(typed) {
    this.typed = typed;
    this.at = 0;
  }

  /** Takes what a pattern matches here, blanks before it left out. @param {RegExp} pattern */
  take(pattern) {
    const blanks = /\s*/y;
    blanks.lastIndex = this.at;
    blanks.exec(this.typed);
    pattern.lastIndex = blanks.lastIndex;
    const found = pattern.exec(this.typed);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  /** @param {string} what @returns {never} */
  fail(what) {
    const rest = this.typed.slice(this.at).trim();
    throw new SyntaxError(rest ? `expected ${what} at '${rest.slice(0, 20)}'` : `expected ${what} at the end`);
  }

  end() {
    if (this.take(/\S/y)) {
      this.at -= 1;
      this.fail("nothing more");
    }
  }

  /** @returns {string} */
  value() {
    if (this.take(/\{/y)) return `{${this.list("}", () => `${this.name()}:${this.value()}`)}}`;
    if (this.take(/\[/y)) return `[${this.list("]", () => this.value())}]`;
    const text = this.text();
    if (text !== null) return text;
    const number = this.take(/[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+)/y);
    if (number) return plain(number[0]);
    const pattern = this.take(/\/((?:[^/\\\n]|\\.)+)\/([a-z]*)/y);
    if (pattern) return JSON.stringify({ $regularExpression: { pattern: pattern[1], options: pattern[2] } });
    const word = this.take(/(?:new\s+)?([A-Za-z]+)/y);
    return word ? this.word(word[1]) : this.fail("a value");
  }

  /** @param {string} word */
  word(word) {
    if (["true", "false", "null"].includes(word)) return word;
    const call = CALLS[word];
    if (!call || !this.take(/\(/y)) {
      this.at -= word.length;
      this.fail("a value");
    }
    const argument = this.value();
    if (!this.take(/\)/y)) this.fail(")");
    return call(argument);
  }

  /** @param {string} close @param {() => string} element */
  list(close, element) {
    const elements = [];
    const ends = close === "}" ? /\}/y : /\]/y;
    while (!this.take(ends)) {
      elements.push(element());
      if (!this.take(/,/y) && this.typed.slice(this.at).trimStart()[0] !== close) this.fail(`, or ${close}`);
    }
    return elements.join(",");
  }

  name() {
    const name = this.text() ?? this.take(/[\p{L}\p{N}_$.-]+/uy)?.[0];
    if (name === undefined) this.fail("a name");
    if (!this.take(/:/y)) this.fail(":");
    return name.startsWith('"') ? name : JSON.stringify(name);
  }

  /** A quoted text as JSON, or null. */
  text() {
    const double = this.take(/"(?:[^"\\]|\\.)*"/y);
    if (double) return double[0];
    const single = this.take(/'((?:[^'\\]|\\.)*)'/y);
    if (!single) return null;
    return `"${single[1].replace(/\\'/g, "'").replace(/(?<!\\)"/g, '\\"')}"`;
  }
}

/** A number as JSON has it. @param {string} text */
function plain(text) {
  return text.replace(/^\+/, "").replace(/^(-?)\./, "$10.").replace(/\.(?=$|[eE])/, ".0");
}
