#!/usr/bin/env bash
# The Node driver of MongoDB replaces the error of a retryable write with code 20 by one of its own.
#
# Expected: a server refuses a write with code 20, IllegalOperation, and a sentence that says why; the
#   program gets an error with that code and that sentence, as from pymongo. The driver has its own words
#   only for the refusal of transaction numbers by MMAPv1, whose sentence is "Transaction numbers ...".
# Seen: whatever the sentence, insertOne fails with "This MongoDB deployment does not support retryable
#   writes. Please add retryWrites=false to your connection string.", and the error has no code. The
#   sentence of the server is only in `originalError`. It is the same with retryWrites=false, which the
#   message asks for.
# Why it matters: a proxy, a view or a read-only database that answers with IllegalOperation sends its
#   users to change a connection string that is right. Other codes, such as 115, arrive.
# Versions: mongodb 7.9.0 (npm), Node 20. Date: 2026-11-30.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mongodb@7.9.0

cat > try.mjs <<'JS'
import net from "node:net";
import { BSON, MongoClient } from "mongodb";

// A server of one connection string: it says hello, and refuses inserts with a code.
const hello = () => ({
    ok: 1, helloOk: true, isWritablePrimary: true, setName: "set", hosts: [address], me: address,
    primary: address, setVersion: 1, minWireVersion: 0, maxWireVersion: 25, maxBsonObjectSize: 16777216,
    maxMessageSizeBytes: 48000000, maxWriteBatchSize: 100000, logicalSessionTimeoutMinutes: 30,
});
let code = 20;
const answer = (command) => {
    if (command.insert) return { ok: 0, errmsg: "the archive takes no writes", code };
    return command.hello || command.isMaster || command.ismaster ? hello() : { ok: 1 };
};
const server = net.createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (data) => {
        bytes = Buffer.concat([bytes, data]);
        while (bytes.length >= 16 && bytes.length >= bytes.readInt32LE(0)) {
            const message = bytes.subarray(0, bytes.readInt32LE(0));
            bytes = bytes.subarray(message.length);
            const isQuery = message.readInt32LE(12) === 2004;
            const start = isQuery ? message.indexOf(0, 20) + 9 : 21;
            const length = message.readInt32LE(start);
            const command = BSON.deserialize(message.subarray(start, start + length));
            const body = BSON.serialize(answer(command));
            const before = isQuery ? Buffer.alloc(20) : Buffer.alloc(5);
            if (isQuery) before.writeInt32LE(1, 16);
            const header = Buffer.alloc(16);
            header.writeInt32LE(16 + before.length + body.length, 0);
            header.writeInt32LE(message.readInt32LE(4), 8);
            header.writeInt32LE(isQuery ? 1 : 2013, 12);
            socket.write(Buffer.concat([header, before, body]));
        }
    });
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const address = `127.0.0.1:${server.address().port}`;

async function refusal(options) {
    const client = new MongoClient(`mongodb://${address}/?replicaSet=set${options}`);
    try {
        await client.db("shop").collection("c").insertOne({ _id: 1 });
        return "no error";
    } catch (error) {
        const original = error.originalError?.errmsg ?? error.originalError?.message;
        return `code ${error.code}: ${error.message} | original: ${original}`;
    } finally {
        await client.close();
    }
}
console.log("20, retried    ", await refusal(""));
console.log("20, not retried", await refusal("&retryWrites=false"));
code = 115;
console.log("115, retried   ", await refusal(""));
server.close();
JS

node try.mjs | tee seen
grep -q '^20, retried     code undefined: This MongoDB deployment does not support retryable writes.* | original: the archive takes no writes$' seen
grep -q '^20, not retried code undefined: This MongoDB deployment does not support retryable writes.* | original: the archive takes no writes$' seen
grep -q '^115, retried    code 115: the archive takes no writes' seen
