// A session of mongosh with an Argon server: mongosh mongodb://HOST/DATABASE --file session.js
//
// DATABASE is a project or one of its branches (`shop:try`), without collections. Prints `ok NAME`
// for each step; the first step that fails ends the program.
const assert = require("node:assert/strict");

const database = db.getName();
const [project, branch = "main"] = database.split(":");
const copy = `${branch}-copy`;
const copied = db.getSiblingDB(`${project}:${copy}`);
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const ids = (cursor) => cursor.toArray().map((found) => found._id);

// The values of the shell have prototypes of their own.
function same(found, expected) {
  assert.equal(EJSON.stringify(found), EJSON.stringify(expected));
}

function refusal(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  assert.fail("no error");
}

const steps = {
  connect() {
    same(db.hello().isWritablePrimary, true);
    assert.match(db.version(), /^\d+\.\d+\.\d+/);
    assert.equal(db.adminCommand({ ping: 1 }).ok, 1);
    assert.equal(rs.status().members.length, 1);
    assert.equal(rs.conf().members.length, 1);
    assert.ok(db.serverStatus().connections.current > 0);
    assert.ok(db.hostInfo().system.numCores > 0);
    assert.ok(Array.isArray(db.currentOp().inprog));
    same(db.getUsers().users, []);
  },

  crud() {
    const document = {
      _id: ObjectId(),
      int: 1,
      long: NumberLong("1152921504606846976"),
      double: 0.5,
      decimal: NumberDecimal("1.10"),
      text: "a\0ü",
      null: null,
      date: ISODate("2026-07-07T09:00:00.123Z"),
      uuid: UUID("3b241101-e2bb-4255-8caf-4136c566a962"),
      binary: BinData(128, "AAE="),
      regex: /^a/i,
      array: [1, [2, { x: 3 }], {}],
      nested: { b: 1, a: { c: 2 } },
    };
    same(db.crud.insertOne(document).insertedId, document._id);
    const found = db.crud.findOne();
    same(found, document);
    assert.equal(found.long.toString(), "1152921504606846976");
    db.crud.insertMany(range(0, 10).map((i) => ({ _id: i, n: i % 3 })));
    let changed = db.crud.updateOne({ _id: 1 }, { $inc: { n: 10 }, $push: { log: { $each: [1, 2] } } });
    same([changed.matchedCount, changed.modifiedCount], [1, 1]);
    same(db.crud.findOne({ _id: 1 }), { _id: 1, n: 11, log: [1, 2] });
    db.crud.updateOne({ _id: 2 }, [{ $set: { twice: { $multiply: ["$n", 2] } } }]);
    same(db.crud.findOne({ _id: 2 }), { _id: 2, n: 2, twice: 4 });
    changed = db.crud.replaceOne({ _id: "new" }, { a: 1 }, { upsert: true });
    same([changed.insertedId, changed.upsertedCount], ["new", 1]);
    same(db.crud.deleteMany({ _id: { $gte: 5 } }).deletedCount, 5);
    const numbers = db.crud.find({ _id: { $type: "int" } }, { n: 1 });
    same(numbers.sort({ _id: -1 }).skip(1).limit(2).toArray(), [{ _id: 3, n: 0 }, { _id: 2, n: 2 }]);
    assert.equal(refusal(() => db.crud.findOne({ $nope: 1 })).code, 2);
    assert.equal(refusal(() => db.runCommand({ nope: 1 })).codeName, "CommandNotFound");
  },

  findAndModify() {
    db.tasks.insertMany(range(0, 3).map((i) => ({ _id: i, state: "open" })));
    const taken = db.tasks.findAndModify({
      query: { state: "open" },
      sort: { _id: -1 },
      update: { $set: { state: "taken" } },
      new: true,
    });
    same(taken, { _id: 2, state: "taken" });
    same(db.tasks.findOneAndReplace({ _id: 0 }, { state: "done" }), { _id: 0, state: "open" });
    same(db.tasks.findOneAndDelete({ _id: 0 }), { _id: 0, state: "done" });
    same(db.tasks.findOneAndUpdate({ _id: 9 }, { $set: { a: 1 } }), null);
  },

  counts() {
    db.numbers.insertMany(range(0, 1000).map((i) => ({ _id: i, n: i % 7 })));
    assert.equal(db.numbers.countDocuments(), 1000);
    assert.equal(db.numbers.estimatedDocumentCount(), 1000);
    assert.equal(db.numbers.find({ n: 1 }).limit(5).itcount(), 5);
    same(db.numbers.distinct("n", { _id: { $lt: 3 } }), [0, 1, 2]);
  },

  cursors() {
    for (const size of [1, 7, 1000]) {
      same(ids(db.numbers.find({ _id: { $lt: 150 } }).batchSize(size)), range(0, 150));
    }
    const cursor = db.numbers.find().sort({ _id: -1 }).batchSize(10);
    assert.equal(cursor.next()._id, 999);
    assert.equal(cursor.objsLeftInBatch(), 9);
    let sum = 0;
    cursor.forEach((found) => {
      sum += found._id;
    });
    assert.equal(sum, 498_501);
    assert.equal(cursor.hasNext(), false);
    same(db.numbers.find().map((found) => found._id).limit(2).toArray(), [0, 1]);
  },

  bulk() {
    const done = db.items.bulkWrite([
      { insertOne: { document: { _id: 1, n: 1 } } },
      { insertOne: { document: { _id: 2, n: 1 } } },
      { updateMany: { filter: { n: 1 }, update: { $inc: { n: 1 } } } },
      { updateOne: { filter: { _id: 3 }, update: { $set: { n: 9 } }, upsert: true } },
      { replaceOne: { filter: { _id: 1 }, replacement: { n: 5 } } },
      { deleteOne: { filter: { _id: 2 } } },
    ]);
    same([done.insertedCount, done.matchedCount, done.modifiedCount, done.deletedCount], [2, 3, 3, 1]);
    same(done.upsertedIds, { 3: 3 });
    const bulk = db.items.initializeUnorderedBulkOp();
    [10, 1, 11, 3, 12].forEach((_id) => bulk.insert({ _id }));
    const error = refusal(() => bulk.execute());
    same(error.writeErrors.map((e) => [e.index, e.code]), [[1, 11000], [3, 11000]]);
    assert.equal(error.result.insertedCount, 3);
  },

  aggregate() {
    const pipeline = [
      { $match: { _id: { $lt: 700 } } },
      { $group: { _id: "$n", count: { $sum: 1 } } },
      { $sort: { _id: 1 } },
    ];
    same(db.numbers.aggregate(pipeline).toArray(), range(0, 7).map((n) => ({ _id: n, count: 100 })));
    db.numbers.aggregate([{ $match: { n: 6 } }, { $out: "sixes" }]);
    assert.equal(db.sixes.countDocuments(), 142);
    same(db.aggregate([{ $documents: [{ a: 1 }, { a: 2 }] }, { $match: { a: 2 } }]).toArray(), [{ a: 2 }]);
    assert.equal(refusal(() => db.numbers.aggregate([{ $nope: {} }]).toArray()).code, 40324);
  },

  indexes() {
    db.people.insertMany(range(0, 200).map((i) => ({ _id: i, mail: `m${i}`, age: i % 50 })));
    assert.equal(db.people.createIndex({ mail: 1 }, { unique: true }), "mail_1");
    same(db.people.createIndexes([{ age: -1, mail: 1 }], { name: "both" }), ["both"]);
    same(db.people.getIndexKeys(), [{ _id: 1 }, { mail: 1 }, { age: -1, mail: 1 }]);
    const error = refusal(() => db.people.insertOne({ mail: "m7" }));
    const { code, keyPattern, keyValue } = error.errorResponse;
    same([code, keyPattern, keyValue], [11000, { mail: 1 }, { mail: "m7" }]);
    const plan = db.people.explain("executionStats").find({ age: 7 }).finish();
    assert.match(EJSON.stringify(plan.queryPlanner.winningPlan), /IXSCAN/);
    same(plan.executionStats.nReturned, 4);
    assert.equal(db.people.stats().count, 200);
    assert.equal(db.people.validate().valid, true);
    assert.equal(refusal(() => db.people.dropIndex("none")).codeName, "IndexNotFound");
    db.people.dropIndex("both");
    same(db.people.getIndexes().map((index) => index.name), ["_id_", "mail_1"]);
  },

  collation() {
    db.words.insertMany(["b", "A", "a", "B", "ä"].map((w) => ({ w })));
    const sorted = db.words.find().collation({ locale: "de" }).sort({ w: 1 }).toArray();
    same(sorted.map((found) => found.w), ["a", "A", "ä", "b", "B"]);
  },

  transactions() {
    db.accounts.insertMany([{ _id: "a", n: 10 }, { _id: "b", n: 0 }]);
    const session = db.getMongo().startSession();
    const accounts = session.getDatabase(database).accounts;
    session.withTransaction(() => {
      accounts.updateOne({ _id: "a" }, { $inc: { n: -3 } });
      accounts.updateOne({ _id: "b" }, { $inc: { n: 3 } });
      assert.equal(accounts.findOne({ _id: "b" }).n, 3);
      assert.equal(db.accounts.findOne({ _id: "b" }).n, 0);
    });
    same(db.accounts.find().toArray(), [{ _id: "a", n: 7 }, { _id: "b", n: 3 }]);
    session.startTransaction();
    accounts.deleteMany({});
    session.abortTransaction();
    assert.equal(db.accounts.countDocuments(), 2);
    session.startTransaction();
    accounts.findOne({ _id: "a" });
    db.accounts.updateOne({ _id: "a" }, { $inc: { n: 1 } });
    const late = refusal(() => {
      accounts.updateOne({ _id: "a" }, { $inc: { n: 1 } });
      session.commitTransaction();
    });
    assert.equal(late.codeName, "WriteConflict");
    session.endSession();
  },

  catalog() {
    assert.ok(db.getMongo().getDBNames().includes(database));
    db.createCollection("folded", { collation: { locale: "en", strength: 2 } });
    const [folded] = db.getCollectionInfos({ name: "folded" });
    same([folded.type, folded.options.collation.strength, folded.idIndex.name], ["collection", 2, "_id_"]);
    db.createView("adults", "people", [{ $match: { age: { $gte: 18 } } }]);
    assert.equal(db.adults.countDocuments(), 128);
    db.words.renameCollection("verbs");
    assert.equal(db.verbs.countDocuments(), 5);
    assert.equal(db.verbs.drop(), true);
    assert.equal(db.getCollectionNames().includes("verbs"), false);
    assert.equal(db.stats().db, database);
    db.createCollection("small", { capped: true, size: 4096, max: 2 });
    range(0, 3).forEach((_id) => db.small.insertOne({ _id }));
    same([db.small.isCapped(), ids(db.small.find())], [true, [1, 2]]);
  },

  watch() {
    const stream = db.watched.watch([], { fullDocument: "updateLookup" });
    stream.disableBlockWarnings();
    // The stream begins with the first look.
    assert.equal(stream.tryNext(), null);
    db.watched.insertOne({ _id: 1, n: 1 });
    db.watched.updateOne({ _id: 1 }, { $set: { n: 2 } });
    const inserted = stream.next();
    same([inserted.operationType, inserted.fullDocument], ["insert", { _id: 1, n: 1 }]);
    same(stream.next().updateDescription.updatedFields, { n: 2 });
    stream.close();
    const resumed = db.watch([], { resumeAfter: inserted._id });
    resumed.disableBlockWarnings();
    assert.equal(resumed.next().operationType, "update");
    resumed.close();
  },

  branches() {
    db.orders.insertMany([{ _id: 1 }, { _id: 2 }]);
    db.runCommand({ argonBranch: copy, from: branch });
    const { result } = db.runCommand({ argonBranch: 1 });
    assert.ok(result.some((found) => found.branch === copy));
    copied.orders.insertOne({ _id: 3 }, { comment: "an order on a branch" });
    assert.equal(copied.runCommand({ argonAt: 1 }).branch, copy);
    same([ids(db.orders.find()), ids(copied.orders.find())], [[1, 2], [1, 2, 3]]);
    const diff = db.runCommand({ argonDiff: 1, from: branch, to: copy }).result;
    same(diff.filter((entry) => entry.id === 3).length, 1);
    const own = connect(db.getMongo().getURI().replace(`/${database}`, `/${copied.getName()}`));
    same([own.getName(), ids(own.orders.find())], [copied.getName(), [1, 2, 3]]);
    own.getMongo().close();
    use(copied.getName());
    db.orders.deleteOne({ _id: 1 });
    use(database);
    same([ids(db.orders.find()), ids(copied.orders.find())], [[1, 2], [2, 3]]);
  },

  merge() {
    const merged = db.runCommand({ argonMerge: copy, comment: "orders of the branch" });
    assert.equal(merged.result.outcome, "committed");
    same(ids(db.orders.find()), [2, 3]);
    const [last] = db.runCommand({ argonLog: branch, limit: 1 }).result;
    assert.equal(last.message, "orders of the branch");
    db.runCommand({ argonPin: `${branch}-pin`, revision: branch });
    assert.equal(db.runCommand({ argonUndo: branch }).result.outcome, "committed");
    same(ids(db.orders.find()), [1, 2]);
    same(ids(db.getSiblingDB(`${project}@${branch}-pin`).orders.find()), [2, 3]);
    db.runCommand({ argonPin: `${branch}-pin`, action: "delete" });
  },

  past() {
    db.orders.deleteOne({ _id: 1 });
    const before = db.getSiblingDB(`${project}@${branch}~1`);
    same(ids(before.orders.find()), [1, 2]);
    for (const write of [
      () => before.orders.insertOne({ _id: 10 }),
      () => before.orders.bulkWrite([{ deleteOne: { filter: {} } }]),
      () => before.orders.findOneAndUpdate({}, { $set: { a: 1 } }),
      () => before.orders.createIndex({ a: 1 }),
      () => before.createCollection("new"),
    ]) {
      assert.equal(refusal(write).code, 115);
    }
  },

  drop() {
    copied.dropDatabase();
    assert.equal(db.dropDatabase().dropped, database);
    same(db.getCollectionNames(), []);
  },
};

for (const [name, step] of Object.entries(steps)) {
  step();
  print(`ok ${name}`);
}
