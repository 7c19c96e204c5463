// Make the replica set and its two users. Runs in the network of mongo1, once; a second run changes nothing.
const { readFileSync } = require("fs");

const secret = (name) => readFileSync(`/run/secrets/${name}`, "utf8").trim();
const admin = db.getSiblingDB("admin");
const members = ["mongo1", "mongo2", "mongo3"].map((name, _id) => ({ _id, host: `${name}:27017`, priority: _id ? 1 : 2 }));

try {
  rs.initiate({ _id: "rs0", members });
} catch (fault) {
  if (!["AlreadyInitialized", "Unauthorized"].includes(fault.codeName)) throw fault;
}
// mongo1 has the highest priority, so it leads in the end. Without users, mongod lets its own machine make the first one.
while (!db.hello().isWritablePrimary) sleep(500);
try {
  admin.createUser({ user: "admin", pwd: secret("mongo_admin_password"), roles: ["root"] });
} catch (fault) {
  if (fault.codeName !== "Unauthorized") throw fault; // a user exists
}
admin.auth("admin", secret("mongo_admin_password"));
const grome = db.getSiblingDB("grome");
const roles = ["readWrite", "dbAdmin"];
if (!grome.getUser("grome")) grome.createUser({ user: "grome", pwd: secret("mongo_password"), roles });
