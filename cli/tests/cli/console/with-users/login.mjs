// A server with the users `ada`, who may do everything, and `guest`, who may read the project `garden`.

const PASSWORD = "correct horse battery staple";

/** A person follows a link, logs in, and is where the link leads; afterwards they log out. */
export async function a_login_leads_back_to_where_the_person_was({ page, open, look, expectRefusal }) {
  expectRefusal(401);
  await open("garden/main/documents/plants");
  const user = page.getByLabel("User");
  await user.fill("ada");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await look("login");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("1 document", { exact: true }).waitFor();
  if (!page.url().endsWith("/console/garden/main/documents/plants")) throw new Error(page.url());
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  if (stored.includes(PASSWORD)) throw new Error("scripts can read the password");
  await page.getByRole("button", { name: "ada" }).click();
  await page.getByLabel("User").waitFor();
}

/** A person without the right to write is told so. */
export async function a_right_that_is_missing_is_named({ page, open, look, expectRefusal }) {
  expectRefusal(401);
  expectRefusal(403);
  await open("garden/main/documents/plants");
  await page.getByLabel("User").fill("guest");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "New document" }).click();
  const dialog = page.getByRole("dialog", { name: "New document in plants" });
  await dialog.getByLabel("Document").fill("{_id: 2}");
  await dialog.getByRole("button", { name: "Commit to main" }).click();
  await dialog.getByRole("alert").waitFor();
  await look("denied");
}
