// A server that does not answer, or takes long.

import { shop } from "../story.mjs";

/** A person is told that the server is away, and goes on when it is back. */
export async function a_server_that_is_away_is_tried_again({ page, open, look, api, expectSilence }) {
  expectSilence();
  await shop(api, "mint");
  await page.route("**/v1/**", (route) => route.abort());
  await open("mint/main/documents/products");
  await page.getByRole("alert").getByText("The server does not answer.").waitFor();
  await look("no-connection");
  await page.unroute("**/v1/**");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("3 documents", { exact: true }).waitFor();
}

/** A person gives up a search that takes long, and starts it again. */
export async function a_long_search_is_cancelled({ page, open, look, api, expectSilence }) {
  expectSilence();
  await shop(api, "nettle");
  const waiting = [];
  await page.route("**/documents?**", (route) => waiting.push(route));
  await open("nettle/main/documents/products");
  await page.getByText("Searching …").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("alert").getByText("Cancelled").waitFor();
  await look("cancelled");
  await page.unroute("**/documents?**");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("3 documents", { exact: true }).waitFor();
}
