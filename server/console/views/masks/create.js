// Making a masked branch of a policy that is written by hand.

import { post, url } from "../../api.js";
import { useWork } from "../../data.js";
import { Link, navigate, path, useGuard } from "../../router.js";
import { Button } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { AreaField, TextField } from "../../ui/inputs.js";
import { ProblemNotice } from "../../ui/notice.js";
import { toast } from "../../ui/toast.js";

const EXAMPLE = `{
  "unlisted": "hide",
  "collection": [
    {
      "name": "customers",
      "keep": { "points": { "$gte": 20 } },
      "fields": [
        { "path": "email", "with": "hash" },
        { "path": "name", "with": "fake" },
        { "path": "address.zip", "with": "redact" },
        { "path": "card", "with": "remove" }
      ]
    },
    { "name": "orders_*", "allow": ["status", "items.sku"] },
    { "name": "sessions", "hide": true }
  ]
}`;

/** @param {{ state: import("../../types.js").State }} props */
export function NewMask({ state }) {
  const [name, setName] = useState("");
  const [policy, setPolicy] = useState(EXAMPLE);
  const problem = problemOf(policy);
  const [made, setMade] = useState(/** @type {string | null} */ (null));
  useGuard(made === null && (policy !== EXAMPLE || name !== ""), () =>
    confirm({ title: "Leave without a branch?", lost: ["your policy, of which no branch was made yet"], action: "Leave" }),
  );
  useEffect(() => {
    if (made !== null) navigate(path(state.project, state.revision, "masks", made));
  }, [made]);
  const work = useWork(async (signal) => {
    const body = { branch: name, from: state.revision, policy: JSON.parse(policy) };
    const { branch, parent, lsn } = await post(url`/v1/projects/${state.project}/masked-branches`, body, { signal });
    toast(`Created ${branch} of ${parent}@${lsn}`);
    state.reload();
    setMade(branch);
  });
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!problem) work.run();
  };
  return html`<div class="view">
    <header>
      <h1><${Link} to=${path(state.project, state.revision, "masks")}>Masks</${Link}></h1>
      <${Icon} name="chevron" /><strong>New masked branch</strong>
    </header>
    <section class="card" aria-label="New masked branch">
      <header><h2>Of ${state.revision}</h2><span class="faint">copies nothing: documents are masked on every read</span></header>
      <form class="inside editor mask-form" onSubmit=${submit}>
        <${TextField} label="Name" hint="Letters, digits, -, _, . and /" required value=${name} onValue=${setName} />
        <${AreaField} label="Policy as JSON" problem=${problem} hint="The keys of docs/mask.toml" rows="18" value=${policy} onValue=${setPolicy} />
        <${Help} />
        ${work.problem && html`<${ProblemNotice} problem=${work.problem} />`}
        <div class="bar">
          <${Button}
            type="submit"
            kind="primary"
            icon="mask"
            disabled=${work.isRunning || Boolean(problem)}
          >Create masked branch</${Button}>
          <span class="faint">No command takes the mask off, and what is made of the branch has it too.</span>
        </div>
      </form>
    </section>
  </div>`;
}

/** @param {string} typed */
function problemOf(typed) {
  try {
    JSON.parse(typed);
    return undefined;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** The keys of a policy, in short. */
function Help() {
  /** @type {[string, string][]} */
  const keys = [
    ["unlisted", '"hide" or "show": collections without an entry'],
    ["name", "the collection; * stands for any characters"],
    ["keep", "only documents that match this query of the originals"],
    ["fields", "path, and with: hash, redact, fake, null or remove"],
    ["allow", "shows only these paths; all others are masked"],
    ["hide", "leaves the collection out"],
  ];
  return html`<dl class="mask-help">${keys.map(([key, about]) => html`<dt class="mono">${key}</dt><dd class="soft">${about}</dd>`)}</dl>`;
}
