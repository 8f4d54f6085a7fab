// What a person may not do says so in every view: `guest` may only read the project `garden`.

const PASSWORD = "correct horse battery staple";

/** A person who may only read looks at the views that write. */
export async function views_name_the_right_that_is_missing({ page, open, look, expectRefusal }) {
  expectRefusal(401);
  expectRefusal(403);
  await open("~/users");
  await page.getByRole("textbox", { name: "User" }).fill("guest");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("region", { name: "Users" }).getByRole("alert").waitFor();
  await look("users-denied");
  await open("garden/main/pins");
  await page.getByRole("button", { name: "Pin main" }).click();
  const dialog = page.getByRole("dialog", { name: "Pin main" });
  await dialog.getByLabel("Name").fill("mine");
  await dialog.getByRole("button", { name: "Create pin" }).click();
  await dialog.getByRole("alert").waitFor();
  await page.keyboard.press("Escape");
  await open("garden/main/undo?range=main");
  await page.getByRole("region", { name: "Preview" }).getByRole("alert").waitFor();
  await open("~/upkeep?part=garbage");
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByRole("region", { name: "Garbage collection" }).getByRole("alert").waitFor();
  await look("upkeep-denied");
}

/** The person who manages users sees which of them they are. */
export async function a_person_sees_who_they_are({ page, open, look, expectRefusal }) {
  expectRefusal(401);
  await open("~/users");
  await page.getByRole("textbox", { name: "User" }).fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("row", { name: /^ada ?you/ }).waitFor();
  await look("users-you");
}
