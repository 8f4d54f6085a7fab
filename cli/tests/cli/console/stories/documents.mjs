// Documents: found, written, and changed by several people.

import { shop } from "../story.mjs";

/** A person finds documents, sorts them, and shares the address of what is seen. */
export async function documents_are_found_by_a_query({ page, open, look, lookNarrow, api }) {
  await shop(api, "aster");
  await open("aster/main/documents");
  await page.getByRole("link", { name: "products" }).click();
  await page.getByText("3 documents", { exact: true }).waitFor();
  await look("documents");
  await page.keyboard.press("/");
  await page.keyboard.type("{price: {$gt: ");
  await page.getByText("expected a value at the end").waitFor();
  await look("filter-with-problem");
  await page.keyboard.type("60}}");
  await page.keyboard.press("Enter");
  await page.getByText("2 documents", { exact: true }).waitFor();
  await page.getByRole("button", { name: "price" }).click();
  await page.getByRole("button", { name: "price" }).click();
  await page.getByRole("columnheader", { name: "price ↓" }).waitFor();
  const address = page.url();
  await page.goto("about:blank");
  await page.goto(address);
  await page.getByText("2 documents", { exact: true }).waitFor();
  const rows = page.getByRole("row");
  await rows.nth(1).getByText("Desk").waitFor();
  await page.getByRole("button", { name: "Tree" }).click();
  await page.getByText("array 1").waitFor();
  await look("documents-tree");
  await lookNarrow("documents-tree");
  await page.getByLabel("filter").fill("{price: {$gt: 1000}}");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByText("Nothing matches the filter.").waitFor();
  await look("documents-none");
}

/** A person edits a document; numbers keep their types. Somebody else was faster with another one. */
export async function a_document_is_edited_if_nobody_else_did({ page, open, look, api, expectRefusal }) {
  expectRefusal(412);
  await shop(api, "birch");
  await open("birch/main/documents/products/1");
  await page.getByRole("button", { name: "Edit" }).click();
  const text = page.getByLabel("Document", { exact: true });
  await text.fill((await text.inputValue()).replace("49.9", "50.0"));
  await page.getByLabel("Message").fill("a round price");
  await look("document-edit");
  await page.getByRole("button", { name: "Commit to main" }).click();
  await page.getByText("Committed as main@3").waitFor();
  const document = await api("GET", "/v1/projects/birch/states/main/collections/products/documents/1?canonical=true");
  if (document.price.$numberDouble !== "50.0") throw new Error(JSON.stringify(document));
  if (document.stock.berlin.$numberInt !== "3") throw new Error(JSON.stringify(document));

  await page.getByRole("button", { name: "Edit" }).click();
  await text.fill((await text.inputValue()).replace("Lamp", "Lantern"));
  const others = { filter: { _id: 1 }, update: { $set: { price: 1 } } };
  await api("PATCH", "/v1/projects/birch/branches/main/collections/products/documents", others);
  await page.getByRole("button", { name: "Commit to main" }).click();
  await page.getByText("Somebody changed the document after you opened it.").waitFor();
  await look("document-conflict");
  await page.getByRole("link", { name: "3" }).click();
  const question = page.getByRole("dialog", { name: "Leave without a commit?" });
  await question.getByText("your changes of 1, which are not committed to main").waitFor();
  await question.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Read it again" }).click();
  await page.getByLabel("Document 1").getByText("Lamp").waitFor();
}

/** A person steps back in the browser with an edit that is not committed, and is asked. */
export async function an_edit_is_not_lost_by_a_step_back({ page, open, api }) {
  await shop(api, "willow");
  await open("willow/main/documents/products");
  await page.getByRole("link", { name: "2", exact: true }).click();
  await page.getByRole("button", { name: "Edit" }).click();
  const text = page.getByLabel("Document", { exact: true });
  await text.fill((await text.inputValue()).replace("Chair", "Stool"));
  const question = page.getByRole("dialog", { name: "Leave without a commit?" });
  await page.evaluate(() => history.back());
  await question.getByRole("button", { name: "Cancel" }).click();
  if (!(await text.inputValue()).includes("Stool")) throw new Error("the edit is lost");
  if (!page.url().endsWith("/products/2")) throw new Error(page.url());
  await page.evaluate(() => history.back());
  await question.getByRole("button", { name: /Leave/ }).click();
  await page.waitForURL(/\/documents\/products$/);
  await page.goForward();
  await page.getByLabel("Document 2").getByText("Chair").waitFor();
}

/** A person writes a new document, changes several after their number is shown, and deletes some. */
export async function many_documents_are_changed_after_a_count({ page, open, look, api }) {
  await shop(api, "cedar");
  await open("cedar/main/documents/products");
  await page.getByText("3 documents", { exact: true }).waitFor();
  await page.keyboard.press("n");
  const insert = page.getByRole("dialog", { name: "New document in products" });
  await insert.getByLabel("Document").fill("{_id: 9, name: 'Rug', price: 15}");
  await insert.getByRole("button", { name: "Commit to main" }).click();
  await page.getByText("4 documents", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Update many" }).click();
  const update = page.getByRole("dialog", { name: "Update documents of products" });
  await update.getByLabel("Filter").fill("{price: {$lt: 60}}");
  await update.getByLabel("Update").fill("{$inc: {price: 1}}");
  await update.getByRole("button", { name: "Count matches" }).click();
  const question = page.getByRole("dialog", { name: "Update 2 documents?" });
  await look("update-many");
  await question.getByRole("button", { name: "Update 2 documents" }).click();
  await page.getByText("2 matched, 2 updated").waitFor();

  await page.getByLabel("filter").fill("{_id: 9}");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByText("1 document", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Delete many" }).click();
  await page.getByRole("dialog", { name: "Delete documents of products" }).getByRole("button", { name: "Count matches" }).click();
  const sure = page.getByRole("dialog", { name: "Delete 1 document?" });
  await sure.getByText("that match").waitFor();
  await sure.getByRole("button", { name: "Delete 1 document" }).click();
  await page.getByText("Nothing matches the filter.").waitFor();
}

/** A person looks at the versions of a document, and who wrote its fields. */
export async function the_history_of_a_document_is_read({ page, open, look, api }) {
  await shop(api, "daisy");
  await open("daisy/main/documents/products/2");
  await page.getByRole("button", { name: "History" }).click();
  await page.getByRole("button", { name: /dearer chairs/ }).click();
  await page.getByRole("deletion").getByText("80").waitFor();
  await page.getByRole("insertion").getByText("85").waitFor();
  await look("document-history");
  await page.getByRole("button", { name: "Blame" }).click();
  const price = page.getByRole("listitem").filter({ hasText: "dearer chairs" });
  await price.getByText("price", { exact: true }).waitFor();
  await look("document-blame");
  await price.getByRole("link", { name: "main@2" }).click();
  await page.getByRole("heading", { name: "dearer chairs" }).waitFor();
}

/** A person makes a collection, renames it, and drops it after typing its name. */
export async function collections_are_made_renamed_and_dropped({ page, open, look, api }) {
  await shop(api, "lotus");
  await open("lotus/main/documents");
  await page.getByRole("button", { name: "New collection" }).click();
  const create = page.getByRole("dialog", { name: "New collection" });
  await create.getByLabel("Name").fill("orders");
  await create.getByRole("button", { name: "Commit to main" }).click();
  await page.getByText("The collection is empty in this state.").waitFor();
  await page.getByRole("button", { name: "Actions for orders" }).click();
  await page.getByRole("option", { name: "Rename" }).click();
  await page.getByLabel("New name").fill("invoices");
  await page.getByRole("button", { name: "Commit to main" }).click();
  await page.getByRole("link", { name: "invoices" }).waitFor();
  await page.getByRole("button", { name: "Actions for invoices" }).click();
  await page.getByRole("option", { name: "Drop" }).click();
  await page.getByLabel("Type invoices to confirm").fill("invoices");
  await look("drop-collection");
  await page.getByRole("button", { name: "Drop collection" }).click();
  await page.getByText("Dropped invoices").waitFor();
  await page.getByText("Choose a collection").waitFor();
}
