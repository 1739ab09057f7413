// SPDX-License-Identifier: Apache-2.0
// Who stands at the till of a shop without a mall: orders and payments go into its store, as another process writes them.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const kWrite = `
import json, sqlite3, sys
store = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
store.execute("BEGIN IMMEDIATE")
for order in json.load(sys.stdin):
    store.execute("UPDATE local_revision SET last = last + 1")
    (revision,) = store.execute("SELECT last FROM local_revision").fetchone()
    total = sum(line["quantity"] * line["price"] for line in order["lines"])
    made = store.execute(
        "INSERT INTO local_purchase(operation, state, currency, total, masked_name, room, placed_at, revision) "
        "VALUES(?, ?, 'CNY', ?, ?, '', ?, ?)",
        (f"till-{revision}", order["state"], total, order["name"], order["placed_at"] * 1000, revision)).lastrowid
    for at, line in enumerate(order["lines"], 1):
        store.execute("INSERT INTO local_purchase_line VALUES(?, ?, ?, '', ?, ?, 0, ?)",
                      (made, at, line["product"], line["product"], line["quantity"], line["price"]))
    if order["paid"]:
        store.execute("INSERT INTO local_payment VALUES(?, 'first', ?, ?)", (made, order["paid"], order["placed_at"] * 1000))
store.execute("COMMIT")
`;

/// [{state, name, placed_at (ms), paid, lines: [{product, quantity, price}]}], money in fen.
export function placeOrders(box, orders) {
  const store = path.join(box.dir, 'state', 'desk', 'store.sqlite3');
  execFileSync('python3', ['-c', kWrite, store], { input: JSON.stringify(orders) });
}
