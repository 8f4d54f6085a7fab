// The store and its projects.

/** A person makes the first project, and deletes it again. */
export async function a_project_is_made_and_deleted({ page, open, look, lookNarrow, expectRefusal }) {
  expectRefusal(400);
  await open("");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByText("healthy").waitFor();
  await look("overview");
  await page.getByRole("button", { name: "New project" }).click();
  const dialog = page.getByRole("dialog", { name: "New project" });
  await dialog.getByLabel("Name").fill("not a name!");
  await dialog.getByRole("button", { name: "Create project" }).click();
  await dialog.getByRole("alert").waitFor();
  await look("form-with-problem");
  await dialog.getByLabel("Name").fill("garden");
  await dialog.getByRole("button", { name: "Create project" }).click();
  await page.getByRole("heading", { name: "Branches" }).waitFor();
  await page.getByRole("link", { name: "Overview" }).click();
  await lookNarrow("overview");
  await page.getByRole("button", { name: "Delete garden" }).click();
  const question = page.getByRole("dialog", { name: "Delete the project garden?" });
  await question.getByText("branch main, at position 0").waitFor();
  await look("confirm");
  const button = question.getByRole("button", { name: "Delete project" });
  if (await button.isEnabled()) throw new Error("the name was not typed yet");
  await question.getByLabel("Type garden to confirm").fill("garden");
  await button.click();
  await page.getByText("Deleted garden").waitFor();
  await page.getByRole("heading", { name: "Deleted projects" }).waitFor();
}
