// A session of mongoose with an Argon server: node mongoose.mjs URI DATABASE
//
// The URI names no database; DATABASE is a project or one of its branches (`shop:try`), without
// collections. Prints `ok NAME` for each step; the first step that fails ends the program.
import assert from "node:assert/strict";
import mongoose from "mongoose";

const [uri, database] = process.argv.slice(2);
const [project, branch = "main"] = database.split(":");
const copy = `${project}:${branch}-copy`;
const { Schema } = mongoose;

const authors = new Schema({ name: { type: String, required: true }, born: Number });
const books = new Schema(
  {
    title: { type: String, required: true, trim: true },
    isbn: { type: String, unique: true, sparse: true },
    author: { type: Schema.Types.ObjectId, ref: "Author" },
    pages: { type: Number, min: 1, index: true },
    tags: [String],
    chapters: [{ name: String, pages: Number }],
    price: Schema.Types.Decimal128,
    sold: { type: Map, of: Number },
  },
  { timestamps: true, optimisticConcurrency: true },
);
books.virtual("short").get(function () {
  return this.pages < 100;
});
const Author = mongoose.model("Author", authors);
const Book = mongoose.model("Book", books);

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("no error");
}

const steps = {
  async connect() {
    await mongoose.connect(uri, { dbName: database, serverSelectionTimeoutMS: 5000 });
    await Promise.all([Author.init(), Book.init()]);
    assert.deepEqual((await Book.listIndexes()).map((i) => i.name).sort(), ["_id_", "isbn_1", "pages_1"]);
    assert.deepEqual(await Book.syncIndexes(), []);
  },

  async documents() {
    const author = await Author.create({ name: "Ada", born: 1815 });
    const book = await Book.create({
      title: " Notes ",
      isbn: "1",
      author,
      pages: 66,
      tags: ["engine"],
      chapters: [{ name: "A", pages: 1 }],
      price: "1.10",
      sold: { de: 3 },
    });
    assert.equal(book.title, "Notes");
    const found = await Book.findOne({ isbn: "1" }).populate("author");
    assert.deepEqual([found.author.name, found.price.toString(), found.sold.get("de")], ["Ada", "1.10", 3]);
    assert.ok(found.short && found.createdAt instanceof Date);
    found.chapters.push({ name: "G", pages: 9 });
    found.tags.addToSet("engine", "notes");
    found.sold.set("fr", 4);
    await found.save();
    const again = await Book.findById(book._id).lean();
    assert.deepEqual(again.chapters.map((c) => c.pages), [1, 9]);
    assert.deepEqual([again.tags, again.sold, again.__v], [["engine", "notes"], { de: 3, fr: 4 }, 1]);
    assert.ok(again.updatedAt > again.createdAt || again.updatedAt.getTime() === again.createdAt.getTime());
    assert.equal((await refusal(() => Book.create({ pages: 0 }))).name, "ValidationError");
    const twice = await refusal(() => Book.create({ title: "b", isbn: "1" }));
    assert.deepEqual([twice.code, twice.keyValue], [11000, { isbn: "1" }]);
    const one = await Book.findById(book._id);
    const two = await Book.findById(book._id);
    one.pages = 67;
    await one.save();
    two.pages = 68;
    assert.equal((await refusal(() => two.save())).name, "VersionError");
  },

  async queries() {
    await Book.insertMany(Array.from({ length: 200 }, (_, i) => ({ title: `t${i}`, isbn: `i${i}`, pages: i + 1 })));
    assert.equal(await Book.countDocuments({ pages: { $gt: 100 } }), 100);
    assert.equal(await Book.estimatedDocumentCount(), 201);
    const page = await Book.find({ title: /^t1/ }).sort("-pages").skip(1).limit(3).select("title -_id").lean();
    assert.deepEqual(page, [{ title: "t198" }, { title: "t197" }, { title: "t196" }]);
    let seen = 0;
    for await (const book of Book.find().batchSize(50).cursor()) seen += book.isbn ? 1 : 0;
    assert.equal(seen, 201);
    assert.deepEqual((await Book.distinct("pages", { pages: { $lt: 4 } })).sort(), [1, 2, 3]);
    assert.ok(await Book.exists({ isbn: "i7" }));
    const [sum] = await Book.aggregate([
      { $match: { title: /^t/ } },
      { $group: { _id: null, pages: { $sum: "$pages" } } },
    ]);
    assert.equal(sum.pages, 20100);
    const joined = await Author.aggregate([
      { $lookup: { from: "books", localField: "_id", foreignField: "author", as: "books" } },
      { $unwind: "$books" },
    ]);
    assert.equal(joined[0].books.title, "Notes");
  },

  async updates() {
    const before = await Book.findOneAndUpdate({ isbn: "i1" }, { $inc: { pages: 1000 } });
    const after = await Book.findOneAndUpdate({ isbn: "i1" }, { $push: { tags: "x" } }, { returnDocument: "after" });
    assert.deepEqual([before.pages, after.pages, after.tags], [2, 1002, ["x"]]);
    const many = await Book.updateMany({ pages: { $lt: 11 } }, { tags: ["short"] });
    assert.deepEqual([many.matchedCount, many.modifiedCount], [9, 9]);
    const upserted = await Book.updateOne({ isbn: "u" }, { title: "u" }, { upsert: true });
    assert.equal(upserted.upsertedCount, 1);
    const bulk = await Book.bulkWrite([
      { insertOne: { document: { title: "b", isbn: "b" } } },
      { updateOne: { filter: { isbn: "b" }, update: { pages: 5 } } },
      { deleteOne: { filter: { isbn: "u" } } },
    ]);
    assert.deepEqual([bulk.insertedCount, bulk.modifiedCount, bulk.deletedCount], [1, 1, 1]);
    assert.equal((await Book.findOneAndDelete({ isbn: "b" })).pages, 5);
    assert.equal((await Book.deleteMany({ tags: "short" })).deletedCount, 9);
  },

  async transactions() {
    await mongoose.connection.transaction(async (session) => {
      await Author.create([{ name: "in" }], { session });
      assert.equal(await Author.countDocuments({ name: "in" }), 0);
    });
    assert.equal(await Author.countDocuments({ name: "in" }), 1);
    const author = new Author({ name: "out" });
    const error = await refusal(() =>
      mongoose.connection.transaction(async (session) => {
        await author.save({ session });
        throw new Error("no");
      }),
    );
    assert.deepEqual([error.message, author.isNew], ["no", true]);
    assert.equal(await Author.countDocuments({ name: "out" }), 0);
  },

  async catalog() {
    const names = (await mongoose.connection.listCollections()).map((c) => c.name).sort();
    assert.deepEqual(names, ["authors", "books"]);
    await Book.createCollection();
  },

  async capped() {
    const Log = mongoose.model("Log", new Schema({ n: Number }, { capped: { size: 4096, max: 2 } }));
    await Log.createCollection();
    await Log.create([{ n: 1 }, { n: 2 }, { n: 3 }], { ordered: true });
    assert.deepEqual((await Log.find()).map((l) => l.n), [2, 3]);
    assert.deepEqual((await Log.find().sort({ $natural: -1 })).map((l) => l.n), [3, 2]);
  },

  async watch() {
    const stream = Author.watch([], { fullDocument: "updateLookup" });
    const inserted = new Promise((resolve, reject) => stream.on("change", resolve).on("error", reject));
    await new Promise((resolve) => stream.once("resumeTokenChanged", resolve));
    await Author.create({ name: "watched" });
    assert.equal((await inserted).fullDocument.name, "watched");
    await stream.close();
  },

  async branches() {
    await mongoose.connection.db.command({ argonBranch: `${branch}-copy`, from: branch });
    const Written = mongoose.connection.useDb(copy).model("Author", authors);
    await Written.create({ name: "branch" });
    assert.equal(await Written.countDocuments(), (await Author.countDocuments()) + 1);
    const [head, options] = uri.split("?");
    const own = await mongoose
      .createConnection(`${head.replace(/\/$/, "")}/${copy}?${options ?? ""}`)
      .asPromise();
    assert.ok(await own.model("Author", authors).exists({ name: "branch" }));
    await own.close();
  },

  async past() {
    const count = await Author.countDocuments();
    await Author.create({ name: "late" });
    const before = mongoose.connection.useDb(`${project}@${branch}~1`).model("Author", authors);
    assert.equal(await before.countDocuments(), count);
    assert.equal((await refusal(() => before.updateOne({}, { born: 1 }))).code, 115);
  },

  async drop() {
    await mongoose.connection.useDb(copy).dropDatabase();
    await mongoose.connection.dropDatabase();
    await mongoose.disconnect();
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log("ok", name);
}
