// Branches: seen over time, made, renamed, deleted.

import { shop } from "../story.mjs";

/** A person makes a branch of a past state, protects it, and deletes another one. */
export async function branches_are_made_and_deleted({ page, open, look, lookNarrow, api }) {
  await shop(api, "juniper");
  await api("POST", "/v1/projects/juniper/pins", { pin: "v1", revision: "main@1", note: "first" });
  await api("POST", "/v1/projects/juniper/branches/main/merge", { source: "sale" });
  await api("POST", "/v1/projects/juniper/sandboxes", { ttl: "1h", from: "main" });
  await open("juniper");
  await page.getByRole("link", { name: "sale" }).waitFor();
  await look("branches");
  await lookNarrow("branches");
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "New branch" });
  await dialog.getByLabel("Name").fill("spring");
  await dialog.getByRole("button", { name: "Create branch" }).click();
  await page.waitForURL("**/juniper/spring/documents");
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  await page.getByRole("button", { name: "Actions for spring" }).click();
  await page.getByRole("option", { name: "Protect" }).click();
  await page.getByText("spring is protected").waitFor();
  await page.getByRole("button", { name: "Actions for sale" }).click();
  await look("actions");
  await page.getByRole("combobox").fill("delete");
  await page.keyboard.press("Enter");
  const question = page.getByRole("dialog", { name: "Delete the branch sale?" });
  await question.getByText("2 commits after main@2").waitFor();
  await question.getByRole("button", { name: "Delete branch" }).click();
  await page.getByText(/Deleted sale; backup\/sale/).waitFor();
}

/** A person goes to another state by its name, with the keyboard only. */
export async function a_state_is_chosen_by_its_name({ page, open, look, api, expectRefusal }) {
  await shop(api, "kale");
  await open("kale/main/documents/products");
  await page.getByText("3 documents", { exact: true }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).getByText("Choose a branch").waitFor();
  await look("keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("b");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.type("sal");
  await look("states");
  await page.keyboard.press("Enter");
  await page.getByText("4 documents", { exact: true }).waitFor();
  expectRefusal(404);
  await open("kale/nowhere/documents");
  await page.getByRole("alert").getByText("unknown branch or pin 'nowhere'").waitFor();
  await look("unknown-state");
}
