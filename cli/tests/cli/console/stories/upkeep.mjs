// Users of the server, and the upkeep of the store.

import { shop } from "../story.mjs";

/** A person makes a user, gives and takes roles, and drops the user. */
export async function users_get_and_lose_roles({ page, open, look, lookNarrow, expectRefusal }) {
  await open("~/users");
  await page.getByText("No users yet").waitFor();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "New user" });
  await dialog.getByLabel("Name").fill("grace");
  await dialog.getByLabel("Password").fill("a long enough password");
  await dialog.getByLabel("Roles").fill("reader@shop");
  expectRefusal(400);
  await dialog.getByRole("button", { name: "Create user" }).click();
  await dialog.getByRole("alert").waitFor();
  await look("user-refused");
  await dialog.getByLabel("Roles").fill("read@*\nreadWrite@shop:try");
  await dialog.getByRole("button", { name: "Create user" }).click();
  await page.getByText("readWrite@shop:try").waitFor();
  await look("users");
  await lookNarrow("users");
  await page.getByRole("button", { name: "Grant roles to grace" }).click();
  await page.getByRole("textbox", { name: "Roles" }).fill("dbAdmin@shop");
  await page.getByRole("dialog").getByRole("button", { name: "Grant" }).click();
  await page.getByText("dbAdmin@shop", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Revoke roles of grace" }).click();
  await page.getByLabel("read@*").check();
  await look("user-revoke");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("grace has").last().waitFor();
  await page.getByRole("button", { name: "Password of grace" }).click();
  await page.getByLabel("New password").fill("another long password");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Changed the password of grace").waitFor();
  await page.getByRole("button", { name: "Drop grace" }).click();
  await page.getByLabel("Type grace to confirm").fill("grace");
  await page.getByRole("button", { name: "Drop user" }).click();
  await page.getByText("No users yet").waitFor();
}

/** A person looks after the store. */
export async function a_store_is_kept_well({ page, open, look, lookNarrow, api }) {
  await shop(api, "care");
  await open("~/upkeep");
  await page.getByText("healthy").waitFor();
  await look("upkeep-health");
  await lookNarrow("upkeep-health");
  await page.getByRole("button", { name: "Storage" }).click();
  await page.getByRole("button", { name: "Measure" }).click();
  await page.getByText("care/sale").first().waitFor();
  await look("upkeep-storage");
  await page.getByRole("button", { name: "Garbage" }).click();
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByText("Would be removed").waitFor();
  await look("upkeep-garbage");
  await page.getByRole("button", { name: "Compact" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Compact" }).click();
  await page.getByText("Before").waitFor();
  await page.getByRole("button", { name: "Check", exact: true }).first().click();
  await page.getByRole("region", { name: "Check of the store" }).getByRole("button", { name: "Check" }).click();
  await page.getByText("No problems").waitFor();
  await look("upkeep-check");
  await page.getByRole("button", { name: "History" }).click();
  await page.getByLabel("Project", { exact: true }).selectOption("care");
  await page.getByLabel("Branch", { exact: true }).selectOption("sale");
  await page.getByRole("button", { name: "New snapshot" }).click();
  await page.getByText(/Snapshot of sale@4/).waitFor();
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText("Commits verified").waitFor();
  await look("upkeep-history");
  await lookNarrow("upkeep-history");
}
