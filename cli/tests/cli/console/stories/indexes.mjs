// Indexes, and how queries use them.

import { shop } from "../story.mjs";

/** A person explains a slow query, makes an index for it, and drops it again. */
export async function a_query_gets_its_index({ page, open, look, lookNarrow, api }) {
  await shop(api, "speed");
  await open("speed/main/documents/products");
  await page.getByRole("textbox", { name: "filter" }).fill("{price: {$gt: 60}}");
  await page.keyboard.press("Enter");
  await page.getByText("2 documents", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("No index is used: no index with bounds on price.").waitFor();
  await page.getByLabel("Run it, to count what it reads").check();
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("1 for nothing").waitFor();
  await look("explain-scan");
  await lookNarrow("explain-scan");
  await page.getByRole("link", { name: "Indexes" }).last().click();
  await page.getByRole("heading", { name: "Indexes" }).waitFor();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "New index" });
  await dialog.getByLabel("Definition").fill("{key: {price: 1}}");
  await look("index-new");
  await dialog.getByRole("button", { name: "Create index" }).click();
  await page.getByText("Created price_1 by main@3").waitFor();
  await page.getByRole("cell", { name: "price_1", exact: true }).waitFor();
  await look("indexes");
  await lookNarrow("indexes");
  await open("speed/main/explain/products?filter={price:{$gt:60}}&execute=true");
  await page.getByText("none for nothing").waitFor();
  await look("explain-index");
  await page.getByRole("button", { name: "Pipeline" }).click();
  await page.getByRole("textbox", { name: "Pipeline" }).fill('[{$match: {price: {$gt: 60}}}, {$group: {_id: "$name"}}]');
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("$group", { exact: true }).waitFor();
  await look("explain-pipeline");
  await open("speed/main/indexes/products");
  await page.getByRole("button", { name: "Drop price_1 of products" }).click();
  await page.getByRole("dialog", { name: "Drop the index price_1?" }).getByRole("button", { name: "Drop index" }).click();
  await page.getByText("Dropped price_1 by main@4").waitFor();
  await open("speed/main@3/indexes");
  await page.getByText(/main@3 is a past state/).waitFor();
  if (await page.getByRole("button", { name: "New index" }).isEnabled()) throw new Error("a past state gets an index");
}
