/** Bare send: one message, durably, to a receiver on this machine, and the end. Arguments: folder with a key, port, text. */
import { readFileSync } from "node:fs";
import { connectRaw, openRawDatabase } from "./raw.ts";

const [folder = "", port = "", text = ""] = process.argv.slice(2);

const db = openRawDatabase(`${folder}/raw.db`);
db.run(
  "CREATE TABLE IF NOT EXISTS outgoing (n INTEGER PRIMARY KEY, text TEXT NOT NULL, acked INTEGER NOT NULL DEFAULT 0)",
);
const n = Number(db.query("INSERT INTO outgoing (text) VALUES (?)").run(text).lastInsertRowid);
const credentials = {
  keyPem: readFileSync(`${folder}/key.pem`, "utf8"),
  certificatePem: readFileSync(`${folder}/certificate.pem`, "utf8"),
};
const acked = Promise.withResolvers<void>();
const socket = await connectRaw(credentials, Number(port), { values: () => acked.resolve() });
socket.send(`${JSON.stringify({ t: "msg", n, text })}\n`);
await acked.promise;
db.run("UPDATE outgoing SET acked = 1 WHERE n = ?", [n]);
db.close();
console.log("delivered");
process.exit();
