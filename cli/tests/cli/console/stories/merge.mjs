// Merges as reviews: conflicts are decided one by one, and the plan is applied.

/** Two branches that disagree about customers in every way. */
async function disagreement(api, project) {
  await api("POST", "/v1/projects", { project });
  const base = `/v1/projects/${project}`;
  const customers = (branch) => `${base}/branches/${branch}/collections/customers`;
  const person = (_id) => ({ _id, name: `Customer ${_id}`, address: { city: "Berlin", zip: `1011${_id}` }, points: _id * 10, tags: ["a"] });
  await api("POST", `${customers("main")}/documents`, { documents: [1, 2, 3, 4, 5].map(person), message: "customers" });
  await api("POST", `${base}/branches`, { branch: "sales", from: "main" });
  const set = (branch, _id, fields, message) => api("PATCH", `${customers(branch)}/documents`, { filter: { _id }, update: { $set: fields }, message });
  await set("sales", 1, { "address.city": "Hamburg", points: 99, name: "Ada" }, "a move");
  await api("DELETE", `${customers("sales")}/documents/2`);
  await set("sales", 3, { points: 77 }, "points");
  await set("sales", 5, { vip: true }, "a very important person");
  await api("POST", `${customers("sales")}/documents`, { documents: [{ _id: 9, name: "Nine of sales", points: 9 }], message: "nine" });
  await set("main", 1, { "address.city": "Munich", points: 50 }, "moved to Munich");
  await set("main", 2, { points: 21 }, "a point more");
  await api("DELETE", `${customers("main")}/documents/3`);
  await api("POST", `${customers("main")}/documents`, { documents: [{ _id: 9, name: "Nine of main", points: 10 }], message: "nine here" });
  return { base, customers, set };
}

/** A person reviews a merge: decides conflicts by side, by hand and all at once, reads the changes, and applies it. */
export async function a_merge_is_reviewed_and_applied({ page, open, look, lookNarrow, api }) {
  const { customers, base } = await disagreement(api, "merges");
  await open("merges/main/merge");
  await page.getByText("No open plans").waitFor();
  await page.getByRole("button", { name: "Source: Choose a source" }).click();
  await page.getByRole("option", { name: /^sales/ }).click();
  await page.getByText("a very important person").waitFor();
  await look("merge-source");
  await lookNarrow("merge-source");
  await page.getByRole("button", { name: "Review merge of sales" }).click();
  await page.getByText("5 conflicts left").waitFor();
  await page.getByRole("heading", { name: "address.city" }).waitFor();
  await look("merge-conflicts");
  await lookNarrow("merge-conflicts");
  await page.getByRole("button", { name: "Theirs for address.city" }).click();
  await page.getByText("4 conflicts left").waitFor();
  await page.getByRole("button", { name: "Edit points" }).click();
  await page.getByLabel("Value of points").fill("{$bad");
  await page.getByText(/expected/).waitFor();
  await page.getByLabel("Value of points").fill("NumberLong(75)");
  await look("merge-edit");
  await page.getByRole("button", { name: "Take this value" }).click();
  await page.getByText("3 conflicts left").waitFor();
  await page.keyboard.press("j");
  await page.getByRole("article", { name: "customers 3" }).waitFor();
  await look("merge-deleted");
  await page.keyboard.press("t");
  await page.getByText("2 conflicts left").waitFor();
  await page.getByRole("button", { name: "Resolve all" }).click();
  const all = page.getByRole("dialog", { name: "Resolve 2 conflicts" });
  await look("merge-resolve-all");
  await all.getByRole("button", { name: "Resolve all" }).click();
  await page.getByText("0 conflicts left", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: /^Decisions/ }).click();
  await page.getByRole("table").getByText("Another value").waitFor();
  await look("merge-decisions");
  await page.getByRole("button", { name: /^Rules/ }).click();
  await look("merge-rules");
  await page.getByRole("button", { name: /^Changes/ }).click();
  await page.getByText("address.city").waitFor();
  await look("merge-changes");
  await lookNarrow("merge-changes");
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  const apply = page.getByRole("dialog", { name: "Apply to main" });
  await apply.getByLabel("Message").fill("sales are in");
  await look("merge-apply");
  await apply.getByRole("button", { name: "Apply" }).click();
  await page.getByText(/Applied as main@\d+$/).waitFor();
  await look("merge-applied");
  const first = await api("GET", `${customers("main").replace("branches", "states")}/documents/1?canonical=true`);
  if (first.points.$numberLong !== "75" || first.address.city !== "Hamburg" || first.name !== "Ada") throw new Error(JSON.stringify(first));
  const { items } = await api("GET", `${base}/states/main/log?limit=1`);
  if (items[0].message !== "sales are in") throw new Error(items[0].message);
}

/** The branch moves on while a plan is reviewed: applying rebases the plan; aborting leaves the branch alone. */
export async function a_plan_is_rebased_or_aborted({ page, open, look, api }) {
  const { base, set } = await disagreement(api, "rebases");
  const { plan } = await api("POST", `${base}/branches/main/merge`, { source: "sales", action: "save", strategy: "theirs" });
  await set("main", 4, { points: 41 }, "meanwhile");
  await open(`rebases/main/merge/${plan.id}`);
  await page.getByText(/main has moved from @\d+ to @\d+/).waitFor();
  await look("merge-moved");
  await page.getByRole("button", { name: "Rebase and apply" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rebase and apply" }).click();
  await page.getByText(/Applied as main@\d+$/).waitFor();
  await api("POST", `${base}/branches`, { branch: "late", from: "main" });
  await set("late", 4, { points: 1 }, "late");
  await open("rebases/main/merge?source=late");
  await page.getByRole("button", { name: "Review merge of late" }).click();
  await page.getByRole("button", { name: "Abort" }).click();
  const question = page.getByRole("dialog", { name: /Abort the plan/ });
  await question.getByText("the plan to merge late into main").waitFor();
  await look("merge-abort");
  await question.getByRole("button", { name: "Abort plan" }).click();
  await page.getByText("The plan is closed: aborted.").waitFor();
  await page.getByRole("link", { name: "Merge" }).first().click();
  await page.getByRole("button", { name: "All" }).click();
  await page.getByText("aborted", { exact: true }).waitFor();
  await look("merge-plans");
}

/** A person takes only one commit of another branch. */
export async function commits_are_picked({ page, open, look, api }) {
  await disagreement(api, "picks");
  await open("picks/main/merge?source=sales");
  await page.getByRole("checkbox", { name: /^Pick commit/ }).nth(1).check();
  await page.getByRole("button", { name: "Review cherry-pick of 1 commit" }).click();
  await page.getByText("0 conflicts left").waitFor();
  await page.getByText("vip").waitFor();
  await look("cherry-pick");
  await page.keyboard.press("a");
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  await page.getByText(/Applied as main@\d+$/).waitFor();
}

/** What breaks the rules of a plan is not applied, and what can't be merged says why. */
export async function refused_merges_say_why({ page, open, look, api, expectRefusal }) {
  const { base, set } = await disagreement(api, "refusals");
  await open("refusals/main/merge?source=sales");
  await page.getByLabel("Conflicts are settled").selectOption("theirs");
  await page.getByText("Policy: strategies by path").click();
  await page.getByLabel("Policy as JSON").fill("{");
  await page.getByRole("button", { name: "Review merge of sales" }).click();
  await page.getByRole("alert").getByText("The policy is no JSON").waitFor();
  await page.getByLabel("Policy as JSON").fill('{"checks": {"schemas": {"customers": {"required": ["phone"]}}}}');
  await page.getByRole("button", { name: "Review merge of sales" }).click();
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  expectRefusal(403);
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  await page.getByRole("alert").getByText(/missing required field phone/).waitFor();
  await look("merge-rules-broken");
  await page.keyboard.press("Escape");
  await set("main", 1, { points: 1 }, "more");
  await open("refusals/main@2/merge");
  await page.getByText(/main@2 is a past state/).waitFor();
  await look("merge-past");
  await api("PUT", `${base}/branches/main/read-only`, { read_only: true });
  await open("refusals/main/merge");
  await page.getByText("main is read-only: it takes no commits.").waitFor();
}

/** A rebase that brings a conflict applies nothing, and the conflict is decided. */
export async function a_rebase_brings_a_conflict({ page, open, look, api }) {
  const { base, set } = await disagreement(api, "collisions");
  const { plan } = await api("POST", `${base}/branches/main/merge`, { source: "sales~1", action: "save" });
  await api("POST", `${base}/plans/${plan.id}/resolve`, { choice: "theirs" });
  await set("main", 5, { vip: false }, "not that important");
  await open(`collisions/main/merge/${plan.id}?tab=changes`);
  await page.getByRole("button", { name: "Rebase and apply" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rebase and apply" }).click();
  await page.getByText("nothing was applied").waitFor();
  await page.getByRole("heading", { name: "vip" }).waitFor();
  await look("merge-rebased");
  await page.keyboard.press("o");
  await page.getByText("0 conflicts left", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  await page.getByText(/Applied as main@\d+$/).waitFor();
}
