// A session of Node's driver with an Argon server: node driver.mjs URI DATABASE
//
// The URI names no database; DATABASE is a project or one of its branches (`shop:try`), without
// collections. Prints `ok NAME` for each step; the first step that fails ends the program.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { Decimal128, GridFSBucket, Long, MongoClient, ObjectId, UUID } from "mongodb";

const [uri, database] = process.argv.slice(2);
const [project, branch = "main"] = database.split(":");
const copy = `${project}:${branch}-copy`;
const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5000 });
const db = client.db(database);
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const ids = async (cursor) => (await cursor.toArray()).map((found) => found._id);

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("no error");
}

const steps = {
  async crud() {
    const things = db.collection("crud");
    const document = {
      _id: new ObjectId(),
      int: 1,
      long: Long.fromString("9007199254740993"),
      double: 0.5,
      decimal: Decimal128.fromString("1.10"),
      text: "ü",
      null: null,
      date: new Date("2026-07-07T09:00:00.123Z"),
      uuid: new UUID("3b241101-e2bb-4255-8caf-4136c566a962"),
      regex: /^a/i,
      array: [1, [2, { x: 3 }], {}],
      nested: { b: 1, a: { c: 2 } },
    };
    assert.equal((await things.insertOne(document)).insertedId, document._id);
    const found = await things.findOne({}, { promoteLongs: false, promoteValues: true });
    assert.deepEqual(Object.keys(found), Object.keys(document));
    assert.equal(found.long.toString(), "9007199254740993");
    assert.equal(found.decimal.toString(), "1.10");
    assert.equal(found.uuid.toString(), document.uuid.toString());
    assert.deepEqual([found.date, found.regex], [document.date, document.regex]);
    await things.insertMany(range(0, 10).map((i) => ({ _id: i, n: i % 3 })));
    let changed = await things.updateOne({ _id: 1 }, { $inc: { n: 10 }, $push: { log: { $each: [1, 2] } } });
    assert.deepEqual([changed.matchedCount, changed.modifiedCount, changed.upsertedId], [1, 1, null]);
    changed = await things.updateMany({ n: 0 }, { $set: { n: 0 } });
    assert.deepEqual([changed.matchedCount, changed.modifiedCount], [4, 0]);
    await things.updateOne({ _id: 2 }, [{ $set: { twice: { $multiply: ["$n", 2] } } }]);
    assert.deepEqual(await things.findOne({ _id: 2 }), { _id: 2, n: 2, twice: 4 });
    changed = await things.replaceOne({ _id: "new" }, { a: 1 }, { upsert: true });
    assert.deepEqual([changed.upsertedId, changed.upsertedCount], ["new", 1]);
    assert.equal((await things.deleteMany({ _id: { $gte: 5 } })).deletedCount, 5);
    const sorted = things.find({ _id: { $type: "int" } }).sort({ _id: -1 }).skip(1).limit(2);
    assert.deepEqual(await ids(sorted), [3, 2]);
    assert.equal((await refusal(() => things.findOne({ $nope: 1 }))).code, 2);
    assert.equal((await refusal(() => db.command({ nope: 1 }))).codeName, "CommandNotFound");
  },

  async findAndModify() {
    const tasks = db.collection("tasks");
    await tasks.insertMany(range(0, 3).map((i) => ({ _id: i, state: "open" })));
    const taken = await tasks.findOneAndUpdate(
      { state: "open" },
      { $set: { state: "taken" } },
      { sort: { _id: -1 }, returnDocument: "after" },
    );
    assert.deepEqual(taken, { _id: 2, state: "taken" });
    const whole = await tasks.findOneAndUpdate(
      { _id: 9 },
      { $set: { a: 1 } },
      { upsert: true, includeResultMetadata: true },
    );
    assert.deepEqual(whole.lastErrorObject, { n: 1, updatedExisting: false, upserted: 9 });
    assert.equal(whole.value, null);
    assert.deepEqual(await tasks.findOneAndDelete({ _id: 9 }), { _id: 9, a: 1 });
    assert.equal(await tasks.findOneAndReplace({ _id: 9 }, { b: 1 }), null);
  },

  async counts() {
    const numbers = db.collection("numbers");
    await numbers.insertMany(range(0, 1000).map((i) => ({ _id: i, n: i % 7 })));
    assert.equal(await numbers.countDocuments(), 1000);
    assert.equal(await numbers.estimatedDocumentCount(), 1000);
    assert.equal(await numbers.countDocuments({ n: { $lt: 2 } }, { limit: 200 }), 200);
    assert.deepEqual(await numbers.distinct("n", { _id: { $lt: 3 } }), [0, 1, 2]);
  },

  async cursors() {
    const numbers = db.collection("numbers");
    for (const batchSize of [1, 7, 1000]) {
      assert.deepEqual(await ids(numbers.find({ _id: { $lt: 150 } }, { batchSize })), range(0, 150));
    }
    const seen = [];
    for await (const found of numbers.find({}, { batchSize: 100 }).sort({ _id: -1 })) seen.push(found._id);
    assert.deepEqual(seen, range(0, 1000).reverse());
    const cursor = numbers.find({}, { batchSize: 10 });
    await cursor.next();
    await cursor.close();
    assert.equal(await cursor.next().catch(() => null), null);
    const concurrent = await Promise.all(range(0, 50).map((i) => numbers.findOne({ _id: i })));
    assert.deepEqual(concurrent.map((found) => found._id), range(0, 50));
  },

  async bulk() {
    const items = db.collection("items");
    const done = await items.bulkWrite([
      { insertOne: { document: { _id: 1, n: 1 } } },
      { insertOne: { document: { _id: 2, n: 1 } } },
      { updateMany: { filter: { n: 1 }, update: { $inc: { n: 1 } } } },
      { updateOne: { filter: { _id: 3 }, update: { $set: { n: 9 } }, upsert: true } },
      { replaceOne: { filter: { _id: 1 }, replacement: { n: 5 } } },
      { deleteOne: { filter: { _id: 2 } } },
    ]);
    assert.deepEqual(
      [done.insertedCount, done.matchedCount, done.modifiedCount, done.deletedCount, done.upsertedIds],
      [2, 3, 3, 1, { 3: 3 }],
    );
    const inserts = [10, 1, 11, 3, 12].map((_id) => ({ insertOne: { document: { _id } } }));
    let error = await refusal(() => items.bulkWrite(inserts));
    assert.deepEqual([error.code, error.result.insertedCount, error.writeErrors.length], [11000, 1, 1]);
    await items.deleteOne({ _id: 10 });
    error = await refusal(() => items.bulkWrite(inserts, { ordered: false }));
    assert.deepEqual(error.writeErrors.map((e) => e.index), [1, 3]);
    assert.equal(error.result.insertedCount, 3);
    error = await refusal(() => items.insertMany([{ _id: 20 }, { _id: 20 }, { _id: 21 }], { ordered: false }));
    assert.deepEqual([error.code, error.insertedCount], [11000, 2]);
  },

  async clientBulk() {
    const namespace = `${database}.second`;
    const done = await client.bulkWrite(
      [
        { namespace, name: "insertOne", document: { _id: 1 } },
        { namespace, name: "updateOne", filter: { _id: 1 }, update: { $set: { a: 1 } } },
        { namespace, name: "updateOne", filter: { _id: 2 }, update: { $set: { a: 2 } }, upsert: true },
        { namespace: `${database}.first`, name: "insertOne", document: { _id: 1 } },
        { namespace: `${database}.first`, name: "deleteMany", filter: {} },
      ],
      { verboseResults: true },
    );
    assert.deepEqual(
      [done.insertedCount, done.modifiedCount, done.upsertedCount, done.deletedCount],
      [2, 1, 1, 1],
    );
    assert.equal(done.updateResults.get(2).upsertedId, 2);
    const again = [3, 1, 4].map((_id) => ({ namespace, name: "insertOne", document: { _id } }));
    const error = await refusal(() => client.bulkWrite(again, { ordered: false }));
    assert.equal(error.writeErrors.get(1).code, 11000);
    assert.equal(error.partialResult.insertedCount, 2);
  },

  async aggregate() {
    const numbers = db.collection("numbers");
    const grouped = await numbers
      .aggregate([
        { $match: { _id: { $lt: 700 } } },
        { $group: { _id: "$n", count: { $sum: 1 } } },
        { $sort: { _id: 1 } },
      ])
      .toArray();
    assert.deepEqual(grouped, range(0, 7).map((n) => ({ _id: n, count: 100 })));
    await numbers.aggregate([{ $match: { n: 6 } }, { $out: "sixes" }]).toArray();
    assert.equal(await db.collection("sixes").countDocuments(), 142);
    assert.equal((await refusal(() => numbers.aggregate([{ $nope: {} }]).toArray())).code, 40324);
  },

  async indexes() {
    const people = db.collection("people");
    await people.insertMany(range(0, 200).map((i) => ({ _id: i, mail: `m${i}`, age: i % 50 })));
    assert.equal(await people.createIndex({ mail: 1 }, { unique: true }), "mail_1");
    assert.deepEqual(await people.createIndexes([{ key: { age: -1, mail: 1 }, name: "both" }]), ["both"]);
    assert.deepEqual((await people.indexes()).map((index) => index.name), ["_id_", "mail_1", "both"]);
    const error = await refusal(() => people.insertOne({ mail: "m7" }));
    assert.deepEqual([error.code, error.keyPattern, error.keyValue], [11000, { mail: 1 }, { mail: "m7" }]);
    const plan = await people.find({ age: 7 }).explain("executionStats");
    assert.match(JSON.stringify(plan.queryPlanner.winningPlan), /IXSCAN.*both|both.*IXSCAN/);
    assert.equal(plan.executionStats.nReturned, 4);
    assert.equal((await refusal(() => people.dropIndex("none"))).codeName, "IndexNotFound");
    await people.dropIndex("both");
    assert.equal(await people.indexExists("both"), false);
    assert.equal((await refusal(() => db.collection("none").indexes())).code, 26);
  },

  async collation() {
    const words = db.collection("words");
    await words.insertMany(["b", "A", "a", "B", "ä"].map((w) => ({ w })));
    const sorted = await words.find().collation({ locale: "de" }).sort({ w: 1 }).toArray();
    assert.deepEqual(sorted.map((found) => found.w), ["a", "A", "ä", "b", "B"]);
    assert.equal(await words.countDocuments({ w: "a" }, { collation: { locale: "en", strength: 2 } }), 2);
  },

  async transactions() {
    const accounts = db.collection("accounts");
    await accounts.insertMany([{ _id: "a", n: 10 }, { _id: "b", n: 0 }]);
    let attempts = 0;
    await client.withSession((session) =>
      session.withTransaction(async () => {
        attempts += 1;
        await accounts.findOne({ _id: "a" }, { session });
        if (attempts === 1) await accounts.updateOne({ _id: "a" }, { $inc: { n: 1 } });
        await accounts.updateOne({ _id: "a" }, { $inc: { n: -3 } }, { session });
        await accounts.updateOne({ _id: "b" }, { $inc: { n: 3 } }, { session });
        assert.equal((await accounts.findOne({ _id: "b" })).n, 0);
      }),
    );
    assert.equal(attempts, 2);
    assert.deepEqual((await accounts.find().toArray()).map((a) => a.n), [8, 3]);
    await client.withSession(async (session) => {
      session.startTransaction();
      await accounts.deleteMany({}, { session });
      await session.abortTransaction();
    });
    assert.equal(await accounts.countDocuments(), 2);
    await client.withSession(async (session) => {
      session.startTransaction();
      const error = await refusal(() => accounts.insertOne({ _id: "a" }, { session }));
      assert.equal(error.code, 11000);
      assert.equal((await refusal(() => session.commitTransaction())).codeName, "NoSuchTransaction");
    });
  },

  async gridFiles() {
    const bucket = new GridFSBucket(db, { chunkSizeBytes: 100_000 });
    const content = Buffer.from(range(0, 1_000_003).map((i) => i % 251));
    const upload = bucket.openUploadStream("a.bin", { metadata: { by: 1 } });
    await new Promise((resolve, reject) =>
      Readable.from([content]).pipe(upload).on("finish", resolve).on("error", reject),
    );
    assert.ok(content.equals(await buffer(bucket.openDownloadStream(upload.id))));
    const part = await buffer(bucket.openDownloadStreamByName("a.bin", { start: 150_000, end: 350_000 }));
    assert.ok(content.subarray(150_000, 350_000).equals(part));
    assert.equal(await db.collection("fs.chunks").countDocuments(), 11);
    await bucket.rename(upload.id, "b.bin");
    assert.deepEqual((await bucket.find().toArray()).map((f) => [f.filename, f.length]), [["b.bin", 1_000_003]]);
    await bucket.delete(upload.id);
    assert.equal(await db.collection("fs.chunks").countDocuments(), 0);
  },

  async catalog() {
    const { databases } = await client.db("admin").admin().listDatabases({ filter: { name: database } });
    assert.deepEqual(databases.map((found) => found.name), [database]);
    await db.createCollection("folded", { collation: { locale: "en", strength: 2 } });
    const [folded] = await db.listCollections({ name: "folded" }).toArray();
    assert.deepEqual([folded.type, folded.options.collation.strength, folded.idIndex.name], ["collection", 2, "_id_"]);
    const names = await db.listCollections({}, { nameOnly: true }).toArray();
    assert.ok(names.some((found) => found.name === "fs.files"));
    await db.createCollection("adults", { viewOn: "people", pipeline: [{ $match: { age: { $gte: 18 } } }] });
    assert.equal(await db.collection("adults").countDocuments(), 128);
    await db.collection("words").rename("verbs");
    assert.equal(await db.collection("verbs").countDocuments(), 5);
    assert.equal(await db.collection("verbs").drop(), true);
    assert.equal((await db.stats()).db, database);
  },

  async unacknowledged() {
    const fast = db.collection("fast", { writeConcern: { w: 0 } });
    assert.equal((await fast.insertOne({ _id: 1 })).acknowledged, false);
    await fast.insertMany(range(2, 10).map((_id) => ({ _id })));
    await fast.deleteOne({ _id: 2 });
    const counted = db.collection("fast");
    for (let tries = 0; (await counted.countDocuments()) !== 8; tries += 1) {
      assert.ok(tries < 500);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },

  async compression() {
    for (const compressors of ["snappy", "zlib"]) {
      const packed = new MongoClient(uri, { compressors });
      await packed.db(database).collection("packed").insertOne({ _id: compressors, text: "ab".repeat(100_000) });
      const found = await packed.db(database).collection("packed").findOne({ _id: compressors });
      assert.equal(found.text.length, 200_000);
      await packed.close();
    }
  },

  async stableApi() {
    const strict = new MongoClient(uri, { serverApi: { version: "1", strict: true } });
    assert.equal((await strict.db("admin").command({ ping: 1 })).ok, 1);
    assert.equal((await refusal(() => strict.db("admin").command({ buildInfo: 1 }))).codeName, "APIStrictError");
    await strict.close();
  },

  async watch() {
    const watched = db.collection("watched");
    const stream = watched.watch([], { fullDocument: "updateLookup" });
    // The stream begins with the first look.
    assert.equal(await stream.tryNext(), null);
    await watched.insertOne({ _id: 1, n: 1 });
    await watched.updateOne({ _id: 1 }, { $set: { n: 2 } });
    const inserted = await stream.next();
    assert.deepEqual([inserted.operationType, inserted.fullDocument], ["insert", { _id: 1, n: 1 }]);
    assert.deepEqual((await stream.next()).updateDescription.updatedFields, { n: 2 });
    await stream.close();
    const resumed = db.watch([], { resumeAfter: inserted._id });
    assert.equal((await resumed.next()).operationType, "update");
    await resumed.close();
  },

  async branches() {
    const orders = db.collection("orders");
    await orders.insertMany([{ _id: 1 }, { _id: 2 }]);
    await db.command({ argonBranch: `${branch}-copy`, from: branch });
    await client.db(copy).collection("orders").insertOne({ _id: 3 }, { comment: "on a branch" });
    await orders.deleteOne({ _id: 1 });
    const [head, options] = uri.split("?");
    const own = new MongoClient(`${head.replace(/\/$/, "")}/${copy}?${options ?? ""}`);
    assert.equal(own.db().databaseName, copy);
    assert.deepEqual(await ids(own.db().collection("orders").find()), [1, 2, 3]);
    await own.withSession((session) =>
      session.withTransaction(() => own.db().collection("orders").deleteMany({}, { session })),
    );
    assert.equal(await own.db().collection("orders").countDocuments(), 0);
    await own.close();
    assert.deepEqual(await ids(orders.find()), [2]);
  },

  async past() {
    const before = client.db(`${project}@${branch}~1`);
    const orders = before.collection("orders");
    assert.deepEqual(await ids(orders.find()), [1, 2]);
    for (const write of [
      () => orders.insertOne({ _id: 10 }),
      () => orders.bulkWrite([{ deleteOne: { filter: {} } }]),
      () => orders.findOneAndUpdate({}, { $set: { a: 1 } }),
      () => orders.createIndex({ a: 1 }),
      () => before.createCollection("new"),
    ]) {
      assert.equal((await refusal(write)).code, 115);
    }
  },

  async drop() {
    await client.db(copy).dropDatabase();
    assert.equal(await db.dropDatabase(), true);
    assert.deepEqual(await db.collections(), []);
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log("ok", name);
}
await client.close();
