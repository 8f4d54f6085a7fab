// mingo, MongoDB's language over JavaScript's objects: reads operations, one a line, and prints an answer for each.
// mingo.mjs FOLDER, in which the packages are installed.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/package.json");
const { aggregate, find, updateMany, updateOne, ProcessingMode } = require("mingo");
const { EJSON, BSONRegExp } = require("bson");

// JavaScript's objects have no equal for these, and one kind of number.
const ABSENT = [
  "$numberDecimal", "$binary", "$timestamp", "$minKey", "$maxKey", "$code", "$oid", "$uuid",
];
const UNKNOWN = /not registered|unregistered|unknown operator|not implemented|does not support|validator|script/i;

// Cases that mingo never ends, or that end it.
const ENDLESS = [
  /"\$regexFindAll"/,
  /"\$range":\[\{"\$numberInt":"0"\},\{"\$numberInt":"\d{8,}"/,
  /"\$bucketAuto".*"granularity"/,
  /"\$sample"/,
];

/** Whether the text of an operation has a value that mingo can't have. */
function absent(text) {
  const kind = ABSENT.find((name) => text.includes(`"${name}"`));
  if (kind) return kind;
  const long = text.match(/"\$numberLong":\s*"-?\d{16,}"|[^."\d]\d{16,}/);
  return long && "a number over 2^53";
}

function native(value) {
  if (value instanceof BSONRegExp) return new RegExp(value.pattern, value.options.replace(/[^imsu]/g, ""));
  if (Array.isArray(value)) return value.map(native);
  if (value && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, native(inner)]));
  }
  return value;
}

function perform(operation) {
  const collections = operation.collections;
  const collection = (collections[operation.collection ?? "c"] ??= []);
  const options = {
    processingMode: ProcessingMode.CLONE_ALL,
    collectionResolver: (name) => (collections[name] ??= []),
    variables: operation.let ?? {},
  };
  if (operation.find) {
    return { rows: find(collection, operation.find.filter, operation.find.projection, options).all() };
  }
  if (operation.update) {
    const { filter, update, arrayFilters, multi, upsert } = operation.update;
    const isReplacement = !Array.isArray(update) && !Object.keys(update)[0]?.startsWith("$");
    if (upsert || isReplacement) return { skip: "mingo has no upserts and replacements" };
    const change = multi ? updateMany : updateOne;
    change(collection, filter, update, arrayFilters ? { arrayFilters } : {}, options);
    return { rows: collection };
  }
  const rows = aggregate(collection, operation.aggregate, options);
  if (!operation.answer.written) return { rows };
  const names = Object.keys(operation.answer.written);
  return { written: Object.fromEntries(names.map((name) => [name, collections[name] ?? []])) };
}

function answer(line) {
  const compact = line.replaceAll(/([:,]) (?=["[{\d])/g, "$1");
  if (ENDLESS.some((pattern) => pattern.test(compact))) return { skip: "mingo does not end" };
  const kind = absent(line);
  if (kind) return { skip: `mingo has no ${kind}` };
  const operation = native(EJSON.parse(line, { relaxed: true }));
  try {
    return perform(operation);
  } catch (error) {
    const message = String(error?.message ?? error).slice(0, 200);
    // What JavaScript throws by itself is a limit of mingo, not a judgement on the case.
    const isJudgement = error?.constructor?.name === "MingoError";
    return UNKNOWN.test(message) ? { skip: message } : { error: isJudgement ? 1 : 0, message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let text;
  try {
    text = EJSON.stringify(answer(line), { relaxed: true });
  } catch (error) {
    text = JSON.stringify({ skip: `the answer can't be printed: ${error.message}` });
  }
  process.stdout.write(text + "\n");
}
