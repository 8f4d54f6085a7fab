// Past states, commits, differences.

import { shop } from "../story.mjs";

/** A person moves the slider back, sees what was, and can't write there. */
export async function the_slider_leads_to_the_past({ page, open, look, api }) {
  await shop(api, "elder");
  await open("elder/main/documents/products");
  await page.getByRole("button", { name: "New document" }).waitFor();
  await page.getByRole("slider", { name: "Position of main" }).focus();
  await page.keyboard.press("ArrowLeft");
  await page.getByText("past, read-only").waitFor();
  await page.waitForURL("**/elder/main@1/documents/products");
  await page.getByRole("row").filter({ hasText: "Chair" }).getByText("80", { exact: true }).waitFor();
  if (await page.getByRole("button", { name: "New document" }).isVisible()) throw new Error("the past can be written");
  await look("past");
  await page.getByRole("button", { name: "Back to head" }).click();
  await page.getByRole("row").filter({ hasText: "Chair" }).getByText("85", { exact: true }).waitFor();
  // A key is for the state that is shown, so it has to be there.
  const isAt = (/** @type {number} */ position) =>
    page.locator(`input[aria-label="Position of main"][aria-valuetext^="${position} of 2"]`).waitFor();
  await isAt(2);
  await page.keyboard.press("[");
  await page.getByText("past, read-only").waitFor();
  await isAt(1);
  await page.keyboard.press("h");
  await page.getByRole("button", { name: "New document" }).waitFor();
  await isAt(2);
  await page.keyboard.press("[");
  await page.getByRole("button", { name: "Branch from here" }).click();
  await page.getByRole("dialog", { name: "New branch" }).getByLabel("Name").fill("before");
  await page.getByRole("button", { name: "Create branch" }).click();
  await page.getByText("Created before at main@1").waitFor();
  await page.waitForURL("**/elder/before/documents");
}

/** A person compares a branch with the one it was made of. */
export async function two_branches_are_compared({ page, open, look, lookNarrow, api }) {
  await shop(api, "fern");
  await open("fern/sale/diff");
  await page.getByText("+1 added").waitFor();
  await page.getByText("~1 changed").waitFor();
  const change = page.getByRole("listitem").filter({ hasText: "price" });
  await change.getByText("49.9", { exact: true }).waitFor();
  await change.getByText("39", { exact: true }).waitFor();
  await look("compare");
  await lookNarrow("compare");
  await page.getByRole("button", { name: "By document" }).click();
  await page.getByText("49.9", { exact: true }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "changed 1" }).click();
  await page.getByText("49.9", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Swap the states" }).click();
  await page.getByText("−1 removed").waitFor();
  await page.getByRole("button", { name: /Before: sale/ }).click();
  await page.getByRole("combobox").fill("main@0");
  await page.keyboard.press("Enter");
  await page.getByText("+3 added").waitFor();
}

/** A person finds a commit by its message, and reads what it changed. */
export async function a_commit_is_found_and_read({ page, open, look, api }) {
  await shop(api, "ginkgo");
  await open("ginkgo/sale/commits");
  await page.getByRole("link", { name: "a shelf" }).waitFor();
  await look("commits");
  await page.getByLabel("Message").fill("lamps");
  await page.keyboard.press("Enter");
  await page.getByText("a shelf").waitFor({ state: "detached" });
  await page.getByRole("link", { name: "a sale of lamps" }).click();
  await page.getByRole("complementary", { name: /Commit 3/ }).getByText("49.9", { exact: true }).waitFor();
  await look("commit");
  await page.getByLabel("Message").fill("");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "dearer chairs" }).waitFor();
  await page.getByRole("heading", { name: "Commits" }).click();
  await page.keyboard.press("j");
  await page.getByRole("complementary", { name: /Commit 2/ }).getByText("80", { exact: true }).waitFor();
  await page.keyboard.press("k");
  await page.getByRole("complementary", { name: /Commit 3/ }).getByText("49.9", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Browse this state" }).click();
  await page.waitForURL("**/ginkgo/sale@3/documents");
}

/** A person sees a merge in the graph of commits. */
export async function merged_commits_are_listed({ page, open, look, api }) {
  await shop(api, "hazel");
  await api("POST", "/v1/projects/hazel/branches/main/merge", { source: "sale", message: "the sale begins" });
  await open("hazel/main/commits?graph=1");
  await page.getByRole("link", { name: "the sale begins" }).waitFor();
  await page.getByRole("link", { name: "a shelf" }).waitFor();
  await look("commits-graph");
}

/** A person follows a branch while somebody writes to it. */
export async function changes_appear_as_they_are_made({ page, open, look, api }) {
  await shop(api, "iris");
  await open("iris/main/live");
  await page.getByText("following").waitFor();
  const change = { filter: { _id: 3 }, update: { $set: { price: 199 } }, message: "cheaper desks" };
  await api("PATCH", "/v1/projects/iris/branches/main/collections/products/documents", change);
  const commit = page.getByRole("listitem").filter({ hasText: "cheaper desks" });
  await commit.getByText("199", { exact: true }).waitFor();
  await look("live");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("paused").waitFor();
}
