// Taking commits back, restoring parts, and resetting a branch.

import { shop } from "../story.mjs";

/** A person takes back what one actor did, reads the preview, and decides a conflict. */
export async function commits_are_undone({ page, open, look, lookNarrow, api }) {
  await shop(api, "undo");
  const products = "/v1/projects/undo/branches/main/collections/products/documents";
  await api("PATCH", products, { filter: { _id: 1 }, update: { $set: { price: 1 } }, message: "a mistake", actor: "eve" });
  await api("PATCH", products, { filter: { _id: 3 }, update: { $set: { price: 2 } }, message: "another one", actor: "eve" });
  await api("PATCH", products, { filter: { _id: 2 }, update: { $set: { price: 90 } }, message: "dearer again", actor: "ada" });
  await api("PATCH", products, { filter: { _id: 3 }, update: { $set: { price: 5 } }, message: "on top of it", actor: "ada" });
  await open("undo/main/undo");
  await page.getByRole("radio", { name: "First: commit 3" }).check();
  await page.getByRole("radio", { name: "Last: commit 5" }).check();
  await page.getByText("3 commits chosen: @3 to @5").waitFor();
  await page.getByText("1 value was changed again after these commits").waitFor();
  await look("undo-conflict");
  await lookNarrow("undo-conflict");
  await page.getByLabel("Only by").fill("eve");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.waitForURL(/by=eve/);
  await page.getByRole("radio", { name: "Last: commit 3" }).check();
  const preview = page.getByRole("region", { name: "Preview" });
  await preview.getByText("49.9").waitFor();
  await look("undo-preview");
  await preview.getByRole("button", { name: "Undo", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Undo on main" });
  await dialog.getByLabel("Message").fill("eve was wrong");
  await dialog.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Undone by main@7").waitFor();
  await open("undo/main/undo?range=main@4");
  await page.getByRole("button", { name: "Decide the conflicts" }).click();
  await page.getByText("undo 4 into main").waitFor();
  await look("undo-plan");
  await page.getByRole("button", { name: "Theirs for price" }).click();
  await page.getByText("0 conflicts left", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  await page.getByText(/Applied as main@8$/).waitFor();
}

/** A person brings back a document that was deleted, and then the whole collection. */
export async function parts_are_restored({ page, open, look, lookNarrow, api }) {
  await shop(api, "parts");
  await api("DELETE", "/v1/projects/parts/branches/main/collections/products/documents/3");
  await api("DELETE", "/v1/projects/parts/branches/main/collections/products/documents/1");
  await open("parts/main/restore");
  await page.getByRole("button", { name: "From: Choose a state" }).click();
  await page.getByRole("combobox").fill("main@2");
  await page.keyboard.press("Enter");
  await page.getByLabel("Collection").selectOption("products");
  await page.getByLabel("Only documents").fill("3");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("+1 added").waitFor();
  await look("restore-documents");
  await lookNarrow("restore-documents");
  await page.getByRole("button", { name: "Restore", exact: true }).click();
  await page.getByRole("dialog", { name: "Restore products" }).getByRole("button", { name: "Restore" }).click();
  await page.getByText("Restored by main@5").waitFor();
  await page.getByText("No differences").waitFor();
  await open("parts/main/restore?revision=main%401&collection=products");
  await page.getByText("+1 added").waitFor();
  await page.getByText("~1 changed").waitFor();
  await open("parts/main@2/restore?revision=main%401&collection=products");
  await page.getByText(/main@2 is a past state/).waitFor();
  await look("restore-past");
}

/** A person resets a branch after reading which commits leave it, and comes back by the reflog. */
export async function a_branch_is_reset_and_comes_back({ page, open, look, lookNarrow, api }) {
  await shop(api, "resets");
  await open("resets/sale/restore?what=branch&revision=sale~2");
  await page.getByText("2 commits", { exact: true }).waitFor();
  await look("reset");
  await lookNarrow("reset");
  await page.getByRole("button", { name: "Reset sale" }).click();
  const question = page.getByRole("dialog", { name: "Reset sale to sale~2?" });
  await question.getByText("a sale of lamps").waitFor();
  await look("reset-question");
  const confirm = question.getByRole("button", { name: "Reset sale" });
  if (await confirm.isEnabled()) throw new Error("the name of the branch is not asked for");
  await question.getByLabel("Type sale to confirm").fill("sale");
  await confirm.click();
  await page.getByText(/sale is at 2; backup\/sale/).waitFor();
  await page.getByRole("button", { name: "Reset to sale@{1}" }).click();
  await page.getByText("No commit leaves the branch").waitFor();
  await page.getByText("+1 added").waitFor();
  await look("reflog");
  await page.getByRole("button", { name: "Reset sale" }).click();
  await page.getByLabel("Type sale to confirm").fill("sale");
  await page.getByRole("dialog").getByRole("button", { name: "Reset sale" }).click();
  await page.getByText(/sale is at 4/).waitFor();
  await api("PUT", "/v1/projects/resets/branches/sale/protection", { protected: true });
  await open("resets/sale/restore?what=branch&revision=sale~1");
  await page.getByText(/sale is protected/).waitFor();
  if (await page.getByRole("button", { name: "Reset sale" }).isEnabled()) throw new Error("a protected branch can be reset");
}
