// The users of the server, and what they may do.

import { get } from "../api.js";
import { useData } from "../data.js";
import { useKeys } from "../keys.js";
import { session } from "../session.js";
import { act } from "../ui/act.js";
import { Ago, Badge, Button } from "../ui/controls.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Empty, Loaded } from "../ui/notice.js";
import { Table } from "../ui/table.js";
import { changePassword, createUser, dropUser, grantRoles, revokeRoles } from "./users/actions.js";

/** @typedef {import("../types.js").User} User */

/** The users. */
export default function Users() {
  const list = useData((signal) => get("/v1/users", { signal }), []);
  const who = useData(session, [list.data !== undefined]);
  const create = () => createUser(list.reload);
  useKeys([{ keys: "n", title: "New user", run: create }]);
  return html`<div class="view">
    <header>
      <h1>Users</h1>
      <span class="right"><${Button} kind="primary" icon="plus" onClick=${create}>New user</${Button}></span>
    </header>
    ${
      who.data?.auth === false &&
      html`<p class="note"><${Icon} name="key" />
        <span>Everybody who reaches the server may do everything. With <code>--auth</code>, these users log in.</span>
      </p>`
    }
    <section class="card" aria-label="Users">
      <${Loaded} from=${list}>
        ${(/** @type {User[]} */ rows) =>
          rows.length === 0
            ? html`<${Empty} icon="user" title="No users yet">
                Users log in when the server runs with <code>--auth</code>. Give the first one the role <code>root</code>.
              </${Empty}>`
            : html`<${Table}
                label="Users"
                rows=${rows}
                rowKey=${(/** @type {User} */ row) => `${row.database} ${row.user}`}
                columns=${columns(who.data?.user ?? null, list.reload)}
              />`}
      </${Loaded}>
    </section>
  </div>`;
}

/** @param {string | null} self Who uses the page. @param {() => void} changed @returns {import("../ui/table.js").Column<User>[]} */
const columns = (self, changed) => [
  {
    title: "User",
    cell: (row) =>
      html`<span class="bar"><${Icon} name="user" /><strong>${row.user}</strong>
        ${row.user === self && html`<${Badge} kind="accent">you</${Badge}>`}</span>`,
  },
  { title: "Known in", cell: (row) => html`<span class="soft">${row.database}</span>` },
  {
    title: "Roles",
    isWide: true,
    cell: (row) =>
      row.roles.length === 0
        ? html`<span class="faint">none: may do nothing</span>`
        : html`<span class="badges">${row.roles.map((role) => html`<${Badge}>${role}</${Badge}>`)}</span>`,
  },
  {
    title: "Logs in by",
    cell: (row) => html`<span class="faint">${row.mechanisms.join(", ") || "certificate"}</span>`,
  },
  { title: "By", cell: (row) => row.actor },
  { title: "Created", cell: (row) => html`<${Ago} time=${row.created} />` },
  {
    title: "Actions",
    isAction: true,
    cell: (row) => html`<span class="bar">
      <${Button}
        kind="quiet"
        aria-label=${`Grant roles to ${row.user}`}
        onClick=${() => grantRoles(row, changed)}
      >Grant</${Button}>
      <${Button}
        kind="quiet"
        aria-label=${`Revoke roles of ${row.user}`}
        disabled=${row.roles.length === 0}
        onClick=${() => revokeRoles(row, changed)}
      >Revoke</${Button}>
      <${Button}
        kind="quiet"
        aria-label=${`Password of ${row.user}`}
        disabled=${row.database === "$external"}
        onClick=${() => changePassword(row)}
      >Password</${Button}>
      <${Button}
        kind="quiet"
        icon="trash"
        label=${`Drop ${row.user}`}
        onClick=${() => act(() => dropUser(row, changed))}
      />
    </span>`,
  },
];
