// A session of the Go driver with an Argon server: go run . URI DATABASE
//
// The URI names no database; DATABASE is a project or one of its branches (`shop:try`), without
// collections. Prints `ok NAME` for each step; the first step that fails ends the program.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

var (
	ctx      = context.Background()
	uri      string
	database string
	project  string
	branch   string
	copied   string // the copy of the branch
	client   *mongo.Client
	db       *mongo.Database
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func same(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Errorf("found %#v, expected %#v", found, expected))
	}
}

func code(err error, expected int) {
	var failed mongo.ServerError
	if !errors.As(err, &failed) || !failed.HasErrorCode(expected) {
		panic(fmt.Errorf("found %v, expected code %d", err, expected))
	}
}

func connect(uri string, more ...*options.ClientOptions) *mongo.Client {
	all := append([]*options.ClientOptions{options.Client().ApplyURI(uri)}, more...)
	return must(mongo.Connect(all...))
}

func numbered(from, to int, also func(i int32) bson.D) []bson.D {
	var made []bson.D
	for i := int32(from); i < int32(to); i++ {
		made = append(made, append(bson.D{{"_id", i}}, also(i)...))
	}
	return made
}

func none(int32) bson.D { return nil }

func ids(cursor *mongo.Cursor, err error) []any {
	check(err)
	var found []bson.M
	check(cursor.All(ctx, &found))
	values := []any{}
	for _, one := range found {
		values = append(values, one["_id"])
	}
	return values
}

func integers(from, to int32) []any {
	values := []any{}
	for i := from; i < to; i++ {
		values = append(values, i)
	}
	return values
}

func one(coll *mongo.Collection, filter any) bson.D {
	var found bson.D
	check(coll.FindOne(ctx, filter).Decode(&found))
	return found
}

func id(value any) bson.D { return bson.D{{"_id", value}} }

func set(name string, value any) bson.D { return bson.D{{"$set", bson.D{{name, value}}}} }

func inc(name string, by int32) bson.D { return bson.D{{"$inc", bson.D{{name, by}}}} }

func crud() {
	things := db.Collection("crud")
	document := bson.D{
		{"_id", bson.NewObjectID()},
		{"int", int32(1)},
		{"long", int64(1) << 60},
		{"double", 0.5},
		{"decimal", must(bson.ParseDecimal128("1.10"))},
		{"null", nil},
		{"date", bson.NewDateTimeFromTime(time.UnixMilli(1783414800123))},
		{"regex", bson.Regex{Pattern: "^a", Options: "i"}},
		{"binary", bson.Binary{Subtype: 128, Data: []byte{0, 1}}},
		{"array", bson.A{int32(1), bson.A{int32(2)}, bson.D{}}},
		{"nested", bson.D{{"b", int32(1)}, {"a", "x"}}},
	}
	must(things.InsertOne(ctx, document))
	same(one(things, bson.D{}), document)
	must(things.InsertMany(ctx, numbered(0, 10, func(i int32) bson.D { return bson.D{{"n", i % 3}} })))
	updated := must(things.UpdateOne(ctx, id(1), inc("n", 10)))
	same([]int64{updated.MatchedCount, updated.ModifiedCount}, []int64{1, 1})
	same(one(things, id(1)), bson.D{{"_id", int32(1)}, {"n", int32(11)}})
	updated = must(things.UpdateMany(ctx, bson.D{{"n", 0}}, set("n", int32(0))))
	same([]int64{updated.MatchedCount, updated.ModifiedCount}, []int64{4, 0})
	updated = must(things.ReplaceOne(ctx, id("new"), bson.D{{"a", 1}}, options.Replace().SetUpsert(true)))
	same(updated.UpsertedID, any("new"))
	same(must(things.DeleteMany(ctx, bson.D{{"_id", bson.D{{"$gte", 5}}}})).DeletedCount, int64(5))
	sorted := options.Find().SetSort(bson.D{{"_id", -1}}).SetSkip(1).SetLimit(2)
	same(ids(things.Find(ctx, bson.D{{"_id", bson.D{{"$type", "int"}}}}, sorted)), []any{int32(3), int32(2)})
	same(things.FindOne(ctx, id("none")).Err(), mongo.ErrNoDocuments)
	code(things.FindOne(ctx, bson.D{{"$nope", 1}}).Err(), 2)
	code(db.RunCommand(ctx, bson.D{{"nope", 1}}).Err(), 59)
}

func findAndModify() {
	tasks := db.Collection("tasks")
	must(tasks.InsertMany(ctx, numbered(0, 3, func(int32) bson.D { return bson.D{{"state", "open"}} })))
	var taken bson.D
	after := options.FindOneAndUpdate().SetSort(bson.D{{"_id", -1}}).SetReturnDocument(options.After)
	check(tasks.FindOneAndUpdate(ctx, bson.D{{"state", "open"}}, set("state", "taken"), after).Decode(&taken))
	same(taken, bson.D{{"_id", int32(2)}, {"state", "taken"}})
	check(tasks.FindOneAndDelete(ctx, id(2)).Decode(&taken))
	same(tasks.FindOneAndDelete(ctx, id(2)).Err(), mongo.ErrNoDocuments)
}

func counts() {
	numbers := db.Collection("numbers")
	must(numbers.InsertMany(ctx, numbered(0, 1000, func(i int32) bson.D { return bson.D{{"n", i % 7}} })))
	same(must(numbers.CountDocuments(ctx, bson.D{})), int64(1000))
	same(must(numbers.EstimatedDocumentCount(ctx)), int64(1000))
	same(must(numbers.CountDocuments(ctx, bson.D{{"n", 1}}, options.Count().SetLimit(5))), int64(5))
	var values []int32
	check(numbers.Distinct(ctx, "n", bson.D{{"_id", bson.D{{"$lt", 3}}}}).Decode(&values))
	same(values, []int32{0, 1, 2})
}

func cursors() {
	numbers := db.Collection("numbers")
	for _, size := range []int32{1, 7, 1000} {
		low := bson.D{{"_id", bson.D{{"$lt", 150}}}}
		same(ids(numbers.Find(ctx, low, options.Find().SetBatchSize(size))), integers(0, 150))
	}
	cursor := must(numbers.Find(ctx, bson.D{}, options.Find().SetBatchSize(10)))
	same(cursor.Next(ctx), true)
	must(numbers.InsertOne(ctx, id(int32(5000))))
	rest := 0
	for cursor.Next(ctx) {
		rest++
	}
	same(rest, 999)
	must(numbers.DeleteOne(ctx, id(5000)))
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	same(len(ids(numbers.Find(short, bson.D{}))), 1000)
}

func bulk() {
	items := db.Collection("items")
	done := must(items.BulkWrite(ctx, []mongo.WriteModel{
		mongo.NewInsertOneModel().SetDocument(bson.D{{"_id", 1}, {"n", 1}}),
		mongo.NewInsertOneModel().SetDocument(bson.D{{"_id", 2}, {"n", 1}}),
		mongo.NewUpdateManyModel().SetFilter(bson.D{{"n", 1}}).SetUpdate(inc("n", 1)),
		mongo.NewUpdateOneModel().SetFilter(id(int32(3))).SetUpdate(set("n", 9)).SetUpsert(true),
		mongo.NewReplaceOneModel().SetFilter(id(1)).SetReplacement(bson.D{{"n", 5}}),
		mongo.NewDeleteOneModel().SetFilter(id(2)),
	}))
	same([]int64{done.InsertedCount, done.MatchedCount, done.ModifiedCount, done.DeletedCount}, []int64{2, 3, 3, 1})
	same(done.UpsertedIDs, map[int64]any{3: int32(3)})
	var inserts []mongo.WriteModel
	for _, i := range []int32{10, 1, 11, 3, 12} {
		inserts = append(inserts, mongo.NewInsertOneModel().SetDocument(id(i)))
	}
	for _, ordered := range []bool{true, false} {
		var failed mongo.BulkWriteException
		result, err := items.BulkWrite(ctx, inserts, options.BulkWrite().SetOrdered(ordered))
		same(errors.As(err, &failed), true)
		if ordered {
			same([]int{int(result.InsertedCount), len(failed.WriteErrors), failed.WriteErrors[0].Index}, []int{1, 1, 1})
			must(items.DeleteOne(ctx, id(10)))
		} else {
			same([]int{int(result.InsertedCount), len(failed.WriteErrors), failed.WriteErrors[1].Index}, []int{3, 2, 3})
		}
		same(failed.WriteErrors[0].Code, 11000)
	}
}

func clientBulk() {
	insert := func(coll string, id int32) mongo.ClientBulkWrite {
		return mongo.ClientBulkWrite{Database: database, Collection: coll,
			Model: mongo.NewClientInsertOneModel().SetDocument(bson.D{{"_id", id}})}
	}
	update := mongo.NewClientUpdateOneModel().SetFilter(id(2)).SetUpdate(set("a", 2)).SetUpsert(true)
	writes := []mongo.ClientBulkWrite{insert("first", 1), insert("second", 1),
		{Database: database, Collection: "second", Model: update}}
	done := must(client.BulkWrite(ctx, writes, options.ClientBulkWrite().SetVerboseResults(true)))
	same([]int64{done.InsertedCount, done.UpsertedCount}, []int64{2, 1})
	same(len(done.InsertResults), 2)
	writes = []mongo.ClientBulkWrite{insert("second", 3), insert("second", 1), insert("second", 4)}
	_, err := client.BulkWrite(ctx, writes, options.ClientBulkWrite().SetOrdered(false))
	var failed mongo.ClientBulkWriteException
	same(errors.As(err, &failed), true)
	same([]int{len(failed.WriteErrors), failed.WriteErrors[1].Code}, []int{1, 11000})
	same(failed.PartialResult.InsertedCount, int64(2))
}

func aggregate() {
	numbers := db.Collection("numbers")
	group := bson.D{{"$group", bson.D{{"_id", "$n"}, {"count", bson.D{{"$sum", 1}}}}}}
	pipeline := mongo.Pipeline{{{"$match", bson.D{{"_id", bson.D{{"$lt", 700}}}}}}, group, {{"$sort", id(1)}}}
	var grouped []bson.D
	check(must(numbers.Aggregate(ctx, pipeline)).All(ctx, &grouped))
	same(len(grouped), 7)
	same(grouped[3], bson.D{{"_id", int32(3)}, {"count", int32(100)}})
	must(numbers.Aggregate(ctx, mongo.Pipeline{{{"$match", bson.D{{"n", 6}}}}, {{"$out", "sixes"}}}))
	same(must(db.Collection("sixes").CountDocuments(ctx, bson.D{})), int64(142))
	_, err := numbers.Aggregate(ctx, mongo.Pipeline{{{"$nope", bson.D{}}}})
	code(err, 40324)
}

func indexes() {
	people := db.Collection("people")
	must(people.InsertMany(ctx, numbered(0, 200, func(i int32) bson.D {
		return bson.D{{"mail", fmt.Sprint("m", i)}, {"age", i % 50}}
	})))
	unique := mongo.IndexModel{Keys: bson.D{{"mail", 1}}, Options: options.Index().SetUnique(true)}
	same(must(people.Indexes().CreateOne(ctx, unique)), "mail_1")
	same(must(people.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{"age", -1}, {"mail", 1}}})), "age_-1_mail_1")
	specs := must(people.Indexes().ListSpecifications(ctx))
	same([]string{specs[0].Name, specs[1].Name, specs[2].Name}, []string{"_id_", "mail_1", "age_-1_mail_1"})
	_, err := people.InsertOne(ctx, bson.D{{"mail", "m7"}})
	same(mongo.IsDuplicateKeyError(err), true)
	var failed mongo.WriteException
	same(errors.As(err, &failed), true)
	same(failed.WriteErrors[0].Raw.Lookup("keyValue", "mail").StringValue(), "m7")
	same(failed.WriteErrors[0].Raw.Lookup("keyPattern", "mail").AsInt64(), int64(1))
	explain := bson.D{{"explain", bson.D{{"find", "people"}, {"filter", bson.D{{"age", 7}}}}}, {"verbosity", "executionStats"}}
	plan := must(db.RunCommand(ctx, explain).Raw())
	same(strings.Contains(plan.Lookup("queryPlanner").String(), "IXSCAN"), true)
	same(plan.Lookup("executionStats", "nReturned").AsInt64(), int64(4))
	code(people.Indexes().DropOne(ctx, "none"), 27)
	check(people.Indexes().DropAll(ctx))
	same(len(must(people.Indexes().ListSpecifications(ctx))), 1)
}

func collation() {
	words := db.Collection("words")
	var texts []string
	for _, w := range []string{"b", "A", "a", "B", "ä"} {
		must(words.InsertOne(ctx, bson.D{{"w", w}}))
	}
	order := options.Find().SetSort(bson.D{{"w", 1}}).SetCollation(&options.Collation{Locale: "de"})
	cursor := must(words.Find(ctx, bson.D{}, order))
	for cursor.Next(ctx) {
		texts = append(texts, cursor.Current.Lookup("w").StringValue())
	}
	same(texts, []string{"a", "A", "ä", "b", "B"})
	folded := options.Count().SetCollation(&options.Collation{Locale: "en", Strength: 2})
	same(must(words.CountDocuments(ctx, bson.D{{"w", "a"}}, folded)), int64(2))
}

func transactions() {
	accounts := db.Collection("accounts")
	must(accounts.InsertMany(ctx, []bson.D{{{"_id", "a"}, {"n", int32(10)}}, {{"_id", "b"}, {"n", int32(0)}}}))
	attempts := 0
	session := must(client.StartSession())
	defer session.EndSession(ctx)
	must(session.WithTransaction(ctx, func(inside context.Context) (any, error) {
		attempts++
		if err := accounts.FindOne(inside, id("a")).Err(); err != nil {
			return nil, err
		}
		if attempts == 1 {
			must(accounts.UpdateOne(ctx, id("a"), inc("n", 1)))
		}
		if _, err := accounts.UpdateOne(inside, id("a"), inc("n", -3)); err != nil {
			return nil, err
		}
		_, err := accounts.UpdateOne(inside, id("b"), inc("n", 3))
		same(one(accounts, id("b")), bson.D{{"_id", "b"}, {"n", int32(0)}})
		return nil, err
	}))
	same(attempts, 2)
	same(one(accounts, id("a")), bson.D{{"_id", "a"}, {"n", int32(8)}})
	check(session.StartTransaction())
	inside := mongo.NewSessionContext(ctx, session)
	must(accounts.DeleteMany(inside, bson.D{}))
	check(session.AbortTransaction(ctx))
	same(must(accounts.CountDocuments(ctx, bson.D{})), int64(2))
	check(session.StartTransaction())
	_, err := accounts.InsertOne(inside, id("a"))
	same(mongo.IsDuplicateKeyError(err), true)
	code(session.CommitTransaction(ctx), 251)
}

func gridFiles() {
	bucket := db.GridFSBucket(options.GridFSBucket().SetChunkSizeBytes(100_000))
	content := bytes.Repeat([]byte("content"), 142_858)
	file := must(bucket.UploadFromStream(ctx, "a.bin", bytes.NewReader(content)))
	stream := must(bucket.OpenDownloadStream(ctx, file))
	same(bytes.Equal(must(io.ReadAll(stream)), content), true)
	same(must(db.Collection("fs.chunks").CountDocuments(ctx, bson.D{})), int64(11))
	check(bucket.Delete(ctx, file))
	_, err := bucket.OpenDownloadStreamByName(ctx, "a.bin")
	same(errors.Is(err, mongo.ErrFileNotFound), true)
}

func catalog() {
	same(must(client.ListDatabaseNames(ctx, bson.D{{"name", database}})), []string{database})
	folded := options.CreateCollection().SetCollation(&options.Collation{Locale: "en", Strength: 2})
	check(db.CreateCollection(ctx, "folded", folded))
	specs := must(db.ListCollectionSpecifications(ctx, bson.D{{"name", "folded"}}))
	same([]string{specs[0].Type, specs[0].IDIndex.Name}, []string{"collection", "_id_"})
	same(specs[0].UUID != nil && len(specs[0].UUID.Data) == 16, true)
	adult := mongo.Pipeline{{{"$match", bson.D{{"age", bson.D{{"$gte", 18}}}}}}}
	check(db.CreateView(ctx, "adults", "people", adult))
	same(must(db.Collection("adults").CountDocuments(ctx, bson.D{})), int64(128))
	check(db.Collection("adults").Drop(ctx))
	same(len(must(db.ListCollectionNames(ctx, bson.D{{"name", "adults"}}))), 0)
}

func unacknowledged() {
	fast := db.Collection("fast", options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	same(must(fast.InsertMany(ctx, numbered(0, 10, none))).Acknowledged, false)
	for tries := 0; must(db.Collection("fast").CountDocuments(ctx, bson.D{})) != 10; tries++ {
		same(tries < 500, true)
		time.Sleep(10 * time.Millisecond)
	}
}

func compression() {
	for _, name := range []string{"snappy", "zlib", "zstd"} {
		packed := connect(uri, options.Client().SetCompressors([]string{name}))
		coll := packed.Database(database).Collection("packed")
		text := strings.Repeat("ab", 100_000)
		must(coll.InsertOne(ctx, bson.D{{"_id", name}, {"text", text}}))
		same(one(coll, id(name)), bson.D{{"_id", name}, {"text", text}})
		check(packed.Disconnect(ctx))
	}
}

func stableAPI() {
	api := options.ServerAPI(options.ServerAPIVersion1).SetStrict(true)
	strict := connect(uri, options.Client().SetServerAPIOptions(api))
	check(strict.Ping(ctx, nil))
	code(strict.Database("admin").RunCommand(ctx, bson.D{{"buildInfo", 1}}).Err(), 323)
	check(strict.Disconnect(ctx))
}

func watch() {
	watched := db.Collection("watched")
	stream := must(watched.Watch(ctx, mongo.Pipeline{}))
	must(watched.InsertOne(ctx, id(int32(1))))
	must(watched.DeleteOne(ctx, id(1)))
	same(stream.Next(ctx), true)
	same(stream.Current.Lookup("operationType").StringValue(), "insert")
	resumed := must(db.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetResumeAfter(stream.ResumeToken())))
	same(resumed.Next(ctx), true)
	same(resumed.Current.Lookup("operationType").StringValue(), "delete")
	check(stream.Close(ctx))
	check(resumed.Close(ctx))
}

func branches() {
	orders := db.Collection("orders")
	must(orders.InsertMany(ctx, numbered(1, 3, none)))
	check(db.RunCommand(ctx, bson.D{{"argonBranch", branch + "-copy"}, {"from", branch}}).Err())
	must(client.Database(copied).Collection("orders").InsertOne(ctx, id(int32(3)),
		options.InsertOne().SetComment("an order on a branch")))
	must(orders.DeleteOne(ctx, id(1)))
	same(ids(orders.Find(ctx, bson.D{})), integers(2, 3))
	head, more, _ := strings.Cut(uri, "?")
	own := connect(strings.TrimSuffix(head, "/") + "/" + copied + "?" + more)
	mine := own.Database(copied).Collection("orders")
	same(ids(mine.Find(ctx, bson.D{})), integers(1, 4))
	check(own.UseSession(ctx, func(inside context.Context) error {
		_, err := mongo.SessionFromContext(inside).WithTransaction(inside, func(c context.Context) (any, error) {
			return mine.DeleteMany(c, bson.D{})
		})
		return err
	}))
	same(ids(mine.Find(ctx, bson.D{})), []any{})
	check(own.Disconnect(ctx))
}

func past() {
	before := client.Database(project + "@" + branch + "~1")
	orders := before.Collection("orders")
	same(ids(orders.Find(ctx, bson.D{})), integers(1, 3))
	_, err := orders.InsertOne(ctx, id(10))
	code(err, 115)
	_, err = orders.UpdateMany(ctx, bson.D{}, set("a", 1))
	code(err, 115)
	code(orders.FindOneAndDelete(ctx, bson.D{}).Err(), 115)
	_, err = orders.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{"a", 1}}})
	code(err, 115)
	code(before.CreateCollection(ctx, "new"), 115)
}

func drop() {
	check(client.Database(copied).Drop(ctx))
	check(db.Drop(ctx))
	same(must(db.ListCollectionNames(ctx, bson.D{})), []string{})
}

func main() {
	uri, database = os.Args[1], os.Args[2]
	project, branch, _ = strings.Cut(database, ":")
	if branch == "" {
		branch = "main"
	}
	copied = project + ":" + branch + "-copy"
	client = connect(uri)
	db = client.Database(database)
	steps := []struct {
		name string
		run  func()
	}{
		{"crud", crud}, {"findAndModify", findAndModify}, {"counts", counts}, {"cursors", cursors},
		{"bulk", bulk}, {"clientBulk", clientBulk}, {"aggregate", aggregate}, {"indexes", indexes},
		{"collation", collation}, {"transactions", transactions}, {"gridFiles", gridFiles},
		{"catalog", catalog}, {"unacknowledged", unacknowledged}, {"compression", compression},
		{"stableAPI", stableAPI}, {"watch", watch}, {"branches", branches}, {"past", past}, {"drop", drop},
	}
	for _, step := range steps {
		step.run()
		fmt.Println("ok", step.name)
	}
	check(client.Disconnect(ctx))
}
