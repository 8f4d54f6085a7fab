// Pins, sandboxes and masked branches.

import { shop } from "../story.mjs";

/** A person pins a state and deletes the pin. */
export async function states_are_pinned({ page, open, look, lookNarrow, api }) {
  await shop(api, "pins");
  await open("pins/main@1/pins");
  await page.getByText("No pins yet").waitFor();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "Pin main@1" });
  await dialog.getByLabel("Name").fill("v1.0");
  await dialog.getByLabel("Note").fill("the first release");
  await dialog.getByRole("button", { name: "Create pin" }).click();
  await page.getByText("Pinned main@1 as v1.0").waitFor();
  await page.getByRole("cell", { name: "the first release" }).waitFor();
  await look("pins");
  await lookNarrow("pins");
  await page.getByRole("button", { name: "Delete v1.0" }).click();
  const question = page.getByRole("dialog", { name: "Delete the pin v1.0?" });
  await question.getByText("its note: the first release").waitFor();
  await look("pin-delete");
  await question.getByRole("button", { name: "Delete pin" }).click();
  await page.getByText("No pins yet").waitFor();
}

/** A person makes sandboxes, extends one, keeps one and discards one. */
export async function sandboxes_live_for_a_time({ page, open, look, lookNarrow, api }) {
  await shop(api, "boxes");
  await open("boxes/main/sandboxes");
  await page.getByText("No sandboxes").waitFor();
  for (const [name, ttl] of [["one", "20m"], ["two", "3d"]]) {
    await page.getByRole("button", { name: "New sandbox" }).click();
    const dialog = page.getByRole("dialog", { name: "New sandbox" });
    await dialog.getByLabel("Lives for").fill(ttl);
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Create sandbox" }).click();
    await page.getByRole("link", { name: `sandbox/${name}` }).waitFor();
  }
  await page.getByText("2 d 23 h").waitFor();
  await look("sandboxes");
  await lookNarrow("sandboxes");
  await page.getByRole("row", { name: /sandbox\/one/ }).getByRole("button", { name: "Extend" }).click();
  await page.getByLabel("Lives from now for").fill("5h");
  await page.getByRole("dialog").getByRole("button", { name: "Extend" }).click();
  await page.getByText("4 h 59 min").waitFor();
  await page.getByRole("row", { name: /sandbox\/one/ }).getByRole("button", { name: "Keep" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Keep" }).click();
  await page.getByText("sandbox/one is the branch one now").waitFor();
  await page.getByRole("button", { name: "Discard sandbox/two" }).click();
  await page.getByRole("dialog", { name: "Discard sandbox/two?" }).getByRole("button", { name: "Discard sandbox" }).click();
  await page.getByText(/Discarded sandbox\/two; backup/).waitFor();
  await page.getByText("No sandboxes").waitFor();
}

/** A person makes a masked branch and looks at what its readers see. */
export async function masks_are_made_and_looked_at({ page, open, look, lookNarrow, api, expectRefusal }) {
  await shop(api, "masks");
  await open("masks/main/masks");
  await page.getByText("No masked branches").waitFor();
  await page.getByRole("link", { name: "New masked branch" }).click();
  await page.getByLabel("Name").fill("public");
  await page.getByLabel("Policy as JSON").fill("{");
  if (await page.getByRole("button", { name: "Create masked branch" }).isEnabled()) throw new Error("a policy that is no JSON can be sent");
  await page.getByLabel("Policy as JSON").fill('{"collection": [{"nam": "products"}]}');
  expectRefusal(400);
  await page.getByRole("button", { name: "Create masked branch" }).click();
  await page.getByRole("alert").waitFor();
  await look("mask-refused");
  const policy = { collection: [{ name: "products", keep: { price: { $lt: 200 } }, fields: [{ path: "name", with: "fake" }, { path: "stock.*", with: "redact" }, { path: "tags", with: "remove" }] }] };
  await page.getByLabel("Policy as JSON").fill(JSON.stringify(policy, null, 2));
  await page.getByRole("button", { name: "Create masked branch" }).click();
  await page.getByText('name = "products"').waitFor();
  await page.getByLabel("Collection").selectOption("products");
  await page.getByRole("cell", { name: "Lamp", exact: true }).waitFor();
  await page.keyboard.press("j");
  await page.getByText("Chair").waitFor();
  await look("mask-compared");
  await lookNarrow("mask-compared");
  await page.keyboard.press("j");
  await page.getByText("left out").first().waitFor();
  await look("mask-left-out");
  await page.getByRole("link", { name: "Masks" }).first().click();
  await page.getByRole("link", { name: "public", exact: true }).waitFor();
  await look("masks");
  await open("masks/public/merge");
  await page.getByText(/public is masked/).waitFor();
}
