// The server records who did what: the stories before this one logged in, and were refused.

const PASSWORD = "correct horse battery staple";

/** A person who may do everything looks at what was refused, and at what is counted. */
export async function what_was_refused_is_looked_up({ page, open, look, expectRefusal }) {
  expectRefusal(401);
  await open("~/audit");
  await page.getByRole("textbox", { name: "User" }).fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  const events = page.getByRole("region", { name: "Events" });
  await events.getByText("login").first().waitFor();
  await page.getByRole("button", { name: "Refused", exact: true }).click();
  await events.getByText("not authorized", { exact: false }).first().waitFor();
  await look("audit");
  await page.getByRole("link", { name: "Metrics" }).click();
  await page.getByRole("region", { name: "Metrics" }).first().waitFor();
  await look("metrics");
}
