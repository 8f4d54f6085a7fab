// A session of the Java driver with an Argon server: java Session URI DATABASE
//
// The URI names no database; DATABASE is a project or one of its branches (`shop:try`), without
// collections. Prints `ok NAME` for each step; the first step that fails ends the program.

import static com.mongodb.client.model.Accumulators.*;
import static com.mongodb.client.model.Aggregates.*;
import static com.mongodb.client.model.Filters.*;
import static com.mongodb.client.model.Indexes.ascending;
import static com.mongodb.client.model.Indexes.compoundIndex;
import static com.mongodb.client.model.Indexes.descending;
import static com.mongodb.client.model.Updates.combine;
import static com.mongodb.client.model.Updates.inc;
import static com.mongodb.client.model.Updates.pushEach;
import static com.mongodb.client.model.Updates.set;

import com.mongodb.*;
import com.mongodb.client.*;
import com.mongodb.client.gridfs.GridFSBucket;
import com.mongodb.client.gridfs.GridFSBuckets;
import com.mongodb.client.model.*;
import com.mongodb.client.model.bulk.ClientBulkWriteOptions;
import com.mongodb.client.model.bulk.ClientNamespacedWriteModel;
import com.mongodb.client.model.bulk.ClientUpdateOneOptions;
import com.mongodb.client.model.changestream.FullDocument;
import com.mongodb.client.model.changestream.OperationType;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.*;
import java.util.stream.IntStream;
import org.bson.*;
import org.bson.codecs.pojo.annotations.BsonId;
import org.bson.types.*;

public final class Session {
    public record Person(@BsonId int id, String name, List<String> tags) {}

    private final String uri;
    private final String database;
    private final String project;
    private final String branch;
    private final String copy;
    private final MongoClient client;
    private final MongoDatabase db;

    private Session(String uri, String database) {
        this.uri = uri;
        this.database = database;
        String[] names = database.split(":");
        project = names[0];
        branch = names.length > 1 ? names[1] : "main";
        copy = project + ":" + branch + "-copy";
        client = MongoClients.create(settings(uri).build());
        db = client.getDatabase(database);
    }

    private static MongoClientSettings.Builder settings(String uri) {
        return MongoClientSettings.builder()
                .applyConnectionString(new ConnectionString(uri))
                .uuidRepresentation(UuidRepresentation.STANDARD);
    }

    private static void same(Object found, Object expected) {
        if (!Objects.equals(found, expected)) {
            throw new AssertionError("found " + found + ", expected " + expected);
        }
    }

    private static <E extends MongoException> E refusal(Class<E> kind, Runnable call) {
        try {
            call.run();
        } catch (MongoException error) {
            return kind.cast(error);
        }
        throw new AssertionError("no " + kind.getSimpleName());
    }

    private static void code(int expected, Runnable call) {
        same(refusal(MongoException.class, call).getCode(), expected);
    }

    private static Document id(Object value) {
        return new Document("_id", value);
    }

    private static List<Integer> range(int from, int to) {
        return IntStream.range(from, to).boxed().toList();
    }

    private static <T> List<T> list(MongoIterable<T> found) {
        return found.into(new ArrayList<>());
    }

    private static List<Object> ids(MongoIterable<Document> found) {
        return list(found.map(one -> one.get("_id")));
    }

    private MongoCollection<Document> coll(String name) {
        return db.getCollection(name);
    }

    private void crud() {
        var things = coll("crud");
        var document = id(new ObjectId())
                .append("int", 1)
                .append("long", 1L << 60)
                .append("double", 0.5)
                .append("decimal", Decimal128.parse("1.10"))
                .append("text", "a\0ü")
                .append("null", null)
                .append("bool", true)
                .append("date", new Date(1783414800123L))
                .append("uuid", UUID.fromString("3b241101-e2bb-4255-8caf-4136c566a962"))
                .append("binary", new Binary((byte) 128, new byte[] {0, 1}))
                .append("regex", new BsonRegularExpression("^a", "i"))
                .append("array", List.of(1, List.of(2, new Document("x", 3)), new Document()))
                .append("nested", new Document("b", 1).append("a", 2));
        same(things.insertOne(document).getInsertedId().asObjectId().getValue(), document.get("_id"));
        var found = things.find().first();
        same(found, document);
        same(List.copyOf(found.keySet()), List.copyOf(document.keySet()));
        things.insertMany(range(0, 10).stream().map(i -> id(i).append("n", i % 3)).toList());
        var updated = things.updateOne(eq(1), combine(inc("n", 10), pushEach("log", List.of(1, 2))));
        same(List.of(updated.getMatchedCount(), updated.getModifiedCount()), List.of(1L, 1L));
        same(things.find(eq(1)).first(), id(1).append("n", 11).append("log", List.of(1, 2)));
        updated = things.updateMany(eq("n", 0), set("n", 0));
        same(List.of(updated.getMatchedCount(), updated.getModifiedCount()), List.of(4L, 0L));
        var twice = new Document("$set", new Document("twice", new Document("$multiply", List.of("$n", 2))));
        things.updateOne(eq(2), List.of(twice));
        same(things.find(eq(2)).first(), id(2).append("n", 2).append("twice", 4));
        updated = things.replaceOne(eq("new"), new Document("a", 1), new ReplaceOptions().upsert(true));
        same(updated.getUpsertedId(), new BsonString("new"));
        things.insertOne(id("arrays").append("grades", List.of(1, 5, 9)));
        var high = new UpdateOptions().arrayFilters(List.of(gte("g", 5)));
        things.updateOne(eq("arrays"), inc("grades.$[g]", 1), high);
        same(things.find(eq("arrays")).first().getList("grades", Integer.class), List.of(1, 6, 10));
        same(things.deleteMany(gte("_id", 5)).getDeletedCount(), 5L);
        same(ids(things.find(type("_id", "int")).sort(descending("_id")).skip(1).limit(2)), List.of(3, 2));
        same(things.find(eq("none")).first(), null);
        code(2, () -> things.find(new Document("$nope", 1)).first());
        code(59, () -> db.runCommand(new Document("nope", 1)));
    }

    private void records() {
        var people = db.getCollection("records", Person.class);
        var ada = new Person(1, "Ada", List.of("engine", "notes"));
        people.insertOne(ada);
        same(people.find(eq("name", "Ada")).first(), ada);
        people.replaceOne(eq(1), new Person(1, "Grace", List.of()));
        same(coll("records").find().first(), id(1).append("name", "Grace").append("tags", List.of()));
    }

    private void findAndModify() {
        var tasks = coll("tasks");
        tasks.insertMany(range(0, 3).stream().map(i -> id(i).append("state", "open")).toList());
        var last = new FindOneAndUpdateOptions().sort(descending("_id")).returnDocument(ReturnDocument.AFTER);
        var taken = tasks.findOneAndUpdate(eq("state", "open"), set("state", "taken"), last);
        same(taken, id(2).append("state", "taken"));
        same(tasks.findOneAndReplace(eq(0), new Document("state", "done")), id(0).append("state", "open"));
        same(tasks.findOneAndDelete(eq(2)), id(2).append("state", "taken"));
        same(tasks.findOneAndDelete(eq(2)), null);
    }

    private void counts() {
        var numbers = coll("numbers");
        numbers.insertMany(range(0, 1000).stream().map(i -> id(i).append("n", i % 7)).toList());
        same(numbers.countDocuments(), 1000L);
        same(numbers.estimatedDocumentCount(), 1000L);
        same(numbers.countDocuments(eq("n", 1), new CountOptions().skip(3).limit(5)), 5L);
        same(list(numbers.distinct("n", lt("_id", 3), Integer.class)), List.of(0, 1, 2));
    }

    private void cursors() {
        var numbers = coll("numbers");
        for (int size : new int[] {1, 7, 1000}) {
            same(ids(numbers.find(lt("_id", 150)).batchSize(size)), range(0, 150));
        }
        try (var cursor = numbers.find().batchSize(10).iterator()) {
            cursor.next();
            // A cursor keeps the state in which it was opened.
            numbers.insertOne(id(5000));
            int rest = 0;
            for (; cursor.hasNext(); rest++) {
                cursor.next();
            }
            same(rest, 999);
        }
        numbers.deleteOne(eq(5000));
        same(ids(numbers.find().sort(descending("_id")).limit(2)), List.of(999, 998));
    }

    private void bulk() {
        var items = coll("items");
        var done = items.bulkWrite(List.of(
                new InsertOneModel<>(id(1).append("n", 1)),
                new InsertOneModel<>(id(2).append("n", 1)),
                new UpdateManyModel<>(eq("n", 1), inc("n", 1)),
                new UpdateOneModel<>(eq(3), set("n", 9), new UpdateOptions().upsert(true)),
                new ReplaceOneModel<>(eq(1), new Document("n", 5)),
                new DeleteOneModel<>(eq(2))));
        same(List.of(done.getInsertedCount(), done.getDeletedCount()), List.of(2, 1));
        same(List.of(done.getMatchedCount(), done.getModifiedCount()), List.of(3, 3));
        same(done.getUpserts().get(0).getIndex(), 3);
        same(done.getUpserts().get(0).getId(), new BsonInt32(3));
        var inserts = List.of(10, 1, 11, 3, 12).stream().map(i -> new InsertOneModel<>(id(i))).toList();
        var failed = refusal(MongoBulkWriteException.class, () -> items.bulkWrite(inserts));
        same(failed.getWriteResult().getInsertedCount(), 1);
        same(failed.getWriteErrors().stream().map(error -> error.getIndex()).toList(), List.of(1));
        items.deleteOne(eq(10));
        var unordered = new BulkWriteOptions().ordered(false);
        failed = refusal(MongoBulkWriteException.class, () -> items.bulkWrite(inserts, unordered));
        same(failed.getWriteResult().getInsertedCount(), 3);
        same(failed.getWriteErrors().stream().map(error -> error.getIndex()).toList(), List.of(1, 3));
        same(failed.getWriteErrors().get(0).getCode(), 11000);
    }

    private void clientBulk() {
        var first = new MongoNamespace(database, "first");
        var second = new MongoNamespace(database, "second");
        var upsert = ClientUpdateOneOptions.clientUpdateOneOptions().upsert(true);
        var verbose = ClientBulkWriteOptions.clientBulkWriteOptions().verboseResults(true);
        var done = client.bulkWrite(
                List.of(
                        ClientNamespacedWriteModel.insertOne(first, id(1)),
                        ClientNamespacedWriteModel.insertOne(second, id(1)),
                        ClientNamespacedWriteModel.updateOne(second, eq(1), set("a", 1)),
                        ClientNamespacedWriteModel.updateOne(second, eq(2), set("a", 2), upsert),
                        ClientNamespacedWriteModel.deleteOne(first, eq(1))),
                verbose);
        same(List.of(done.getInsertedCount(), done.getDeletedCount()), List.of(2L, 1L));
        same(List.of(done.getModifiedCount(), done.getUpsertedCount()), List.of(1L, 1L));
        var upserted = done.getVerboseResults().get().getUpdateResults().get(3).getUpsertedId();
        same(upserted.get(), new BsonInt32(2));
        same(list(coll("second").find()), List.of(id(1).append("a", 1), id(2).append("a", 2)));
        var inserts = List.of(3, 1, 4).stream()
                .map(i -> ClientNamespacedWriteModel.insertOne(second, id(i)))
                .toList();
        var unordered = ClientBulkWriteOptions.clientBulkWriteOptions().ordered(false);
        var failed = refusal(ClientBulkWriteException.class, () -> client.bulkWrite(inserts, unordered));
        same(failed.getWriteErrors().keySet(), Set.of(1));
        same(failed.getWriteErrors().get(1).getCode(), 11000);
        same(failed.getPartialResult().get().getInsertedCount(), 2L);
    }

    private void aggregate() {
        var numbers = coll("numbers");
        var grouped = numbers.aggregate(List.of(
                match(lt("_id", 700)),
                group("$n", sum("count", 1), max("most", "$_id")),
                sort(ascending("_id"))));
        same(
                list(grouped),
                range(0, 7).stream().map(n -> id(n).append("count", 100).append("most", 693 + n)).toList());
        numbers.aggregate(List.of(match(eq("n", 6)), out("sixes"))).toCollection();
        same(coll("sixes").countDocuments(), 142L);
        code(40324, () -> numbers.aggregate(List.of(new Document("$nope", new Document()))).first());
    }

    private void indexes() {
        var people = coll("people");
        people.insertMany(range(0, 200).stream()
                .map(i -> id(i).append("mail", "m" + i).append("age", i % 50))
                .toList());
        same(people.createIndex(ascending("mail"), new IndexOptions().unique(true)), "mail_1");
        var keys = compoundIndex(descending("age"), ascending("mail"));
        same(people.createIndex(keys, new IndexOptions().name("both")), "both");
        same(list(people.listIndexes().map(index -> index.get("name"))), List.of("_id_", "mail_1", "both"));
        var failed = refusal(MongoWriteException.class, () -> people.insertOne(new Document("mail", "m7")));
        same(failed.getError().getCode(), 11000);
        same(failed.getError().getMessage().contains("index: mail_1 dup key: { mail: \"m7\" }"), true);
        var plan = people.find(eq("age", 7)).explain(ExplainVerbosity.EXECUTION_STATS);
        same(plan.get("queryPlanner", Document.class).toJson().contains("IXSCAN"), true);
        same(plan.getEmbedded(List.of("executionStats", "nReturned"), Number.class).intValue(), 4);
        same(people.countDocuments(eq("age", 7), new CountOptions().hintString("both")), 4L);
        code(27, () -> people.dropIndex("none"));
        people.dropIndex("both");
        people.dropIndexes();
        same(list(people.listIndexes()).size(), 1);
    }

    private void collation() {
        var words = coll("words");
        words.insertMany(List.of("b", "A", "a", "B", "ä").stream().map(w -> new Document("w", w)).toList());
        var german = Collation.builder().locale("de").build();
        var sorted = words.find().collation(german).sort(ascending("w")).map(one -> one.get("w"));
        same(list(sorted), List.of("a", "A", "ä", "b", "B"));
        var folded = Collation.builder().locale("en").collationStrength(CollationStrength.SECONDARY).build();
        same(words.countDocuments(eq("w", "a"), new CountOptions().collation(folded)), 2L);
    }

    private void transactions() {
        var accounts = coll("accounts");
        accounts.insertMany(List.of(id("a").append("n", 10), id("b").append("n", 0)));
        int[] attempts = {0};
        try (ClientSession session = client.startSession()) {
            var result = session.withTransaction(() -> {
                accounts.find(session, eq("a")).first();
                if (++attempts[0] == 1) {
                    accounts.updateOne(eq("a"), inc("n", 1));
                }
                accounts.updateOne(session, eq("a"), inc("n", -3));
                accounts.updateOne(session, eq("b"), inc("n", 3));
                same(accounts.find(session, eq("b")).first().get("n"), 3);
                same(accounts.find(eq("b")).first().get("n"), 0);
                return "done";
            });
            same(result, "done");
            same(attempts[0], 2);
            same(list(accounts.find().map(one -> one.get("n"))), List.of(8, 3));

            session.startTransaction();
            accounts.deleteMany(session, empty());
            session.abortTransaction();
            same(accounts.countDocuments(), 2L);

            session.startTransaction();
            code(11000, () -> accounts.insertOne(session, id("a")));
            code(251, session::commitTransaction);
        }
        try (ClientSession session = client.startSession()) {
            session.startTransaction();
            accounts.find(session, eq("a")).first();
            accounts.updateOne(eq("a"), inc("n", 1));
            var late = refusal(MongoException.class, () -> {
                accounts.updateOne(session, eq("a"), inc("n", 1));
                session.commitTransaction();
            });
            same(late.getCode(), 112);
            same(late.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL), true);
        }
    }

    private void gridFiles() {
        GridFSBucket bucket = GridFSBuckets.create(db).withChunkSizeBytes(100_000);
        byte[] content = new byte[1_000_003];
        for (int i = 0; i < content.length; i++) {
            content[i] = (byte) (i % 251);
        }
        ObjectId file = bucket.uploadFromStream("a.bin", new ByteArrayInputStream(content));
        var downloaded = new ByteArrayOutputStream();
        bucket.downloadToStream(file, downloaded);
        same(Arrays.equals(downloaded.toByteArray(), content), true);
        same(coll("fs.chunks").countDocuments(), 11L);
        bucket.rename(file, "b.bin");
        var found = bucket.find(eq("filename", "b.bin")).first();
        same(List.of(found.getObjectId(), found.getLength()), List.of(file, 1_000_003L));
        bucket.delete(file);
        same(coll("fs.chunks").countDocuments(), 0L);
        refusal(MongoGridFSException.class, () -> bucket.openDownloadStream("b.bin").read());
    }

    private void catalog() {
        var databases = client.listDatabases().filter(eq("name", database));
        same(list(databases.map(found -> found.get("name"))), List.of(database));
        var folded = Collation.builder().locale("en").collationStrength(CollationStrength.SECONDARY).build();
        db.createCollection("folded", new CreateCollectionOptions().collation(folded));
        var info = db.listCollections().filter(eq("name", "folded")).first();
        same(info.get("type"), "collection");
        same(info.getEmbedded(List.of("options", "collation", "strength"), Integer.class), 2);
        same(info.getEmbedded(List.of("idIndex", "name"), String.class), "_id_");
        same(list(db.listCollectionNames()).contains("fs.files"), true);
        code(48, () -> db.createCollection("folded"));
        db.createView("adults", "people", List.of(match(gte("age", 18))));
        same(coll("adults").countDocuments(), 128L);
        coll("words").renameCollection(new MongoNamespace(database, "verbs"));
        same(coll("verbs").countDocuments(), 5L);
        coll("verbs").drop();
        same(list(db.listCollectionNames()).contains("verbs"), false);
        same(db.runCommand(new Document("dbStats", 1)).get("db"), database);
    }

    private void unacknowledged() throws InterruptedException {
        var fast = coll("fast").withWriteConcern(WriteConcern.UNACKNOWLEDGED);
        same(fast.insertMany(range(0, 10).stream().map(i -> id(i)).toList()).wasAcknowledged(), false);
        for (int tries = 0; coll("fast").countDocuments() != 10; tries++) {
            same(tries < 500, true);
            Thread.sleep(10);
        }
    }

    private void compression() {
        var zlib = settings(uri).compressorList(List.of(MongoCompressor.createZlibCompressor())).build();
        try (MongoClient packed = MongoClients.create(zlib)) {
            var coll = packed.getDatabase(database).getCollection("packed");
            var document = id("zlib").append("text", "ab".repeat(100_000));
            coll.insertOne(document);
            same(coll.find(eq("zlib")).first(), document);
        }
    }

    private void stableApi() {
        var api = ServerApi.builder().version(ServerApiVersion.V1).strict(true).build();
        try (MongoClient strict = MongoClients.create(settings(uri).serverApi(api).build())) {
            var admin = strict.getDatabase("admin");
            admin.runCommand(new Document("ping", 1));
            code(323, () -> admin.runCommand(new Document("buildInfo", 1)));
        }
    }

    private void watch() {
        var watched = coll("watched");
        BsonDocument token;
        try (var stream = watched.watch().fullDocument(FullDocument.UPDATE_LOOKUP).cursor()) {
            watched.insertOne(id(1).append("n", 1));
            watched.updateOne(eq(1), set("n", 2));
            watched.deleteOne(eq(1));
            var inserted = stream.next();
            same(inserted.getOperationType(), OperationType.INSERT);
            same(inserted.getFullDocument(), id(1).append("n", 1));
            same(inserted.getNamespace(), new MongoNamespace(database, "watched"));
            token = inserted.getResumeToken();
            var updated = stream.next().getUpdateDescription().getUpdatedFields();
            same(updated, new BsonDocument("n", new BsonInt32(2)));
            same(stream.next().getOperationType(), OperationType.DELETE);
        }
        try (var resumed = db.watch(List.of(match(eq("operationType", "delete")))).resumeAfter(token).cursor()) {
            same(resumed.next().getDocumentKey(), new BsonDocument("_id", new BsonInt32(1)));
            same(resumed.tryNext(), null);
        }
    }

    private void branches() {
        var orders = coll("orders");
        orders.insertMany(List.of(id(1), id(2)));
        db.runCommand(new Document("argonBranch", branch + "-copy").append("from", branch));
        var comment = new InsertOneOptions().comment("an order on a branch");
        client.getDatabase(copy).getCollection("orders").insertOne(id(3), comment);
        orders.deleteOne(eq(1));
        same(ids(orders.find()), List.of(2));
        String[] parts = uri.split("\\?");
        String own = parts[0].replaceAll("/$", "") + "/" + copy + (parts.length > 1 ? "?" + parts[1] : "");
        same(new ConnectionString(own).getDatabase(), copy);
        try (MongoClient other = MongoClients.create(own); ClientSession session = other.startSession()) {
            var mine = other.getDatabase(copy).getCollection("orders");
            same(ids(mine.find()), List.of(1, 2, 3));
            session.withTransaction(() -> mine.deleteMany(session, empty()));
            same(mine.countDocuments(), 0L);
        }
        same(ids(orders.find()), List.of(2));
    }

    private void past() {
        var before = client.getDatabase(project + "@" + branch + "~1");
        var orders = before.getCollection("orders");
        same(ids(orders.find()), List.of(1, 2));
        code(115, () -> orders.insertOne(id(10)));
        code(115, () -> orders.updateMany(empty(), set("a", 1)));
        code(115, () -> orders.findOneAndDelete(empty()));
        code(115, () -> orders.createIndex(ascending("a")));
        code(115, () -> before.createCollection("new"));
    }

    private void drop() {
        client.getDatabase(copy).drop();
        db.drop();
        same(list(db.listCollectionNames()), List.of());
        client.close();
    }

    @FunctionalInterface
    private interface Step {
        void run() throws Exception;
    }

    private static void step(String name, Step step) throws Exception {
        step.run();
        System.out.println("ok " + name);
    }

    private void run() throws Exception {
        step("crud", this::crud);
        step("records", this::records);
        step("findAndModify", this::findAndModify);
        step("counts", this::counts);
        step("cursors", this::cursors);
        step("bulk", this::bulk);
        step("clientBulk", this::clientBulk);
        step("aggregate", this::aggregate);
        step("indexes", this::indexes);
        step("collation", this::collation);
        step("transactions", this::transactions);
        step("gridFiles", this::gridFiles);
        step("catalog", this::catalog);
        step("unacknowledged", this::unacknowledged);
        step("compression", this::compression);
        step("stableApi", this::stableApi);
        step("watch", this::watch);
        step("branches", this::branches);
        step("past", this::past);
        step("drop", this::drop);
    }

    public static void main(String[] arguments) throws Exception {
        new Session(arguments[0], arguments[1]).run();
    }
}
