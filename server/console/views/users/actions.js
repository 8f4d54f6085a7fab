// What can be done with users.

import { post, put, remove, url } from "../../api.js";
import { askForm, confirm } from "../../ui/dialog.js";
import { toast } from "../../ui/toast.js";

/** @typedef {import("../../types.js").User} User */

const ROLES =
  "One a line: readWrite@shop on a project, read@shop:try on a branch, root@* on everything. Roles: read, readWrite, dbAdmin, userAdmin, root";

/** Roles that were typed, one a line or with commas. @param {string} typed */
const rolesOf = (typed) => typed.split(/[\s,]+/).filter(Boolean);

/** @param {() => void} changed */
export async function createUser(changed) {
  const made = await askForm({
    title: "New user",
    fields: [
      { name: "user", label: "Name", required: true },
      {
        name: "password",
        label: "Password",
        type: "password",
        hint: "A user of $external has none, but a certificate.",
      },
      { name: "roles", label: "Roles", type: "area", value: "read@*", hint: ROLES },
      {
        name: "database",
        label: "Known in",
        value: "admin",
        required: true,
        hint: "admin, a project, or $external. Only users of admin use this page.",
      },
    ],
    action: "Create user",
    submit: ({ user, password, roles, database }, signal) =>
      post("/v1/users", { user, database, roles: rolesOf(roles), ...(password && { password }) }, { signal }),
  });
  if (!made) return;
  toast(`Created ${made.user}`);
  changed();
}

/** @param {User} user @param {() => void} changed */
export async function grantRoles(user, changed) {
  const done = await askForm({
    title: `Grant roles to ${user.user}`,
    body: "They count for connections that are logged in, too.",
    fields: [{ name: "roles", label: "Roles", type: "area", required: true, hint: ROLES }],
    action: "Grant",
    submit: ({ roles }, signal) =>
      post(url`/v1/users/${user.user}/grant`, { roles: rolesOf(roles), database: user.database }, { signal }),
  });
  if (!done) return;
  toast(`${done.user} has ${done.roles.join(", ")}`);
  changed();
}

/** @param {User} user @param {() => void} changed */
export async function revokeRoles(user, changed) {
  const done = await askForm({
    title: `Revoke roles of ${user.user}`,
    body: "Connections that are logged in lose them, too.",
    fields: user.roles.map((role) => ({ name: role, label: role, type: /** @type {const} */ ("check") })),
    action: "Revoke",
    submit: (values, signal) => {
      const roles = user.roles.filter((role) => values[role]);
      return post(url`/v1/users/${user.user}/revoke`, { roles, database: user.database }, { signal });
    },
  });
  if (!done) return;
  toast(done.roles.length > 0 ? `${done.user} has ${done.roles.join(", ")}` : `${done.user} has no roles`);
  changed();
}

/** @param {User} user */
export async function changePassword(user) {
  const done = await askForm({
    title: `Password of ${user.user}`,
    body: "Connections that are logged in stay so.",
    fields: [{ name: "password", label: "New password", type: "password", required: true }],
    action: "Change password",
    submit: async ({ password }, signal) => {
      await put(url`/v1/users/${user.user}/password`, { password, database: user.database }, { signal });
      return true;
    },
  });
  if (done) toast(`Changed the password of ${user.user}`);
}

/** @param {User} user @param {() => void} changed */
export async function dropUser(user, changed) {
  const sure = await confirm({
    title: `Drop the user ${user.user}?`,
    body: "Connections that are logged in lose their rights.",
    lost: [`the login ${user.user} of ${user.database}`, ...user.roles.map((role) => `the role ${role}`)],
    action: "Drop user",
    typed: user.user,
    submit: (signal) => remove(url`/v1/users/${user.user}`, { query: { database: user.database }, signal }),
  });
  if (!sure) return null;
  changed();
  return `Dropped ${user.user}`;
}
