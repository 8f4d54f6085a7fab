"""A session of an agent, by the protocol's own client: session.py MODE URL, or session.py MODE ARGON ARGUMENT..."""

import asyncio
import json
import sys

import mcp.types as types
from mcp import Client, MCPError, StdioServerParameters

AGENT = types.Implementation(name="claude-code", version="2.1")


async def main(mode: str, command: str, *arguments: str) -> None:
    over_http = command.startswith("http")
    server = command if over_http else StdioServerParameters(command=command, args=list(arguments))
    async with Client(server, mode=mode, client_info=AGENT) as client:
        assert client.server_info is None or client.server_info.name == "argon"
        await tools_are_described(client)
        await a_sandbox_is_merged_and_taken_back(client, mode)
        await lists_come_in_pages(client)
        await mistakes_are_explained(client)
        await collections_are_resources(client)
    print("ok")


async def call(client: Client, tool: str, **given: object) -> dict:
    """Calls a tool; its result fits its schema, which the client checks."""
    result = await client.call_tool(tool, {"project": "shop", **given})
    assert not result.is_error, result
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def refused(client: Client, tool: str, **given: object) -> dict:
    result = await client.call_tool(tool, given)
    assert result.is_error, result
    return json.loads(result.content[0].text)


async def tools_are_described(client: Client) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    for tool in tools.values():
        assert tool.description and tool.output_schema["type"] == "object", tool.name
        assert "uint" not in json.dumps([tool.input_schema, tool.output_schema]), tool.name
    hints = {name: tool.annotations for name, tool in tools.items()}
    assert hints["find_documents"].read_only_hint and hints["diff"].read_only_hint
    assert not hints["put_documents"].read_only_hint
    assert not hints["put_documents"].destructive_hint
    for name in ["merge_apply", "discard_sandbox", "delete_documents"]:
        assert hints[name].destructive_hint, name


async def a_sandbox_is_merged_and_taken_back(client: Client, mode: str) -> None:
    listed = await client.call_tool("list_projects", {})
    assert [listed["project"] for listed in listed.structured_content["result"]] == ["shop"]
    sandbox = (await call(client, "create_sandbox", ttl="1h"))["branch"]
    document = {"_id": mode, "z": 1, "a": {"y": 1, "b": [1.5, {"$date": "2026-07-07T09:00:00Z"}]}}
    at = {"branch": sandbox, "collection": "notes"}
    await call(client, "put_documents", **at, documents=[document], session="run 7", message="a note")
    found = await call(client, "find_documents", revision=sandbox, collection="notes", filter={"_id": mode})
    # The order of the fields too.
    assert json.dumps(found["items"]) == json.dumps([document]), found
    assert found["next"] is None
    [commit, *_] = (await call(client, "log", revision=sandbox))["items"]
    assert (commit["actor"], commit["message"]) == ("claude-code", "a note"), commit
    assert commit["trailers"]["Session"] == "run 7", commit
    changes = await call(client, "diff", **{"from": "main", "to": sandbox})
    assert [change["id"] for change in changes["items"] if "id" in change] == [mode], changes
    outcome = await call(client, "merge_preview", source=sandbox, into="main")
    assert outcome["outcome"] == "saved", outcome
    outcome = await call(client, "merge_apply", plan=outcome["plan"]["id"])
    assert outcome["outcome"] == "committed", outcome
    blamed = await call(client, "blame", collection="notes", id=mode)
    assert {field["actor"] for field in blamed["result"]} == {"claude-code"}, blamed
    await call(client, "put_documents", branch="main", collection="notes", documents=[{"_id": "kept"}])
    counted = await call(client, "count_documents", collection="notes")
    before = (await call(client, "log", limit=2))["items"][1]["lsn"]
    outcome = await call(client, "undo", branch="main", range=f"main@{before}..main")
    assert outcome["outcome"] == "committed", outcome
    after = await call(client, "count_documents", collection="notes")
    assert after["documents"] == counted["documents"] - 1, (counted, after)
    await call(client, "discard_sandbox", branch=sandbox)


async def lists_come_in_pages(client: Client) -> None:
    first = await call(client, "find_documents", collection="users", sort={"_id": 1}, limit=2)
    given = {"collection": "users", "sort": {"_id": 1}, "limit": 2}
    second = await call(client, "find_documents", **given, cursor=first["next"])
    ids = [document["_id"] for page in [first, second] for document in page["items"]]
    assert ids == [1, 2, 3] and second["next"] is None, (first, second)
    # A page is short, also where many documents would fit by their number.
    large = await call(client, "find_documents", collection="large")
    assert 1 <= len(large["items"]) < 9 and large["next"], len(large["items"])
    error = await refused(client, "get_document", project="shop", collection="large", id="huge")
    assert error["kind"] == "unsupported" and "ask for less" in error["message"], error
    shown = await call(client, "find_documents", collection="large", projection={"text": 0}, limit=20)
    assert len(shown["items"]) == 10


async def mistakes_are_explained(client: Client) -> None:
    shop = {"project": "shop"}
    error = await refused(client, "find_documents", **shop, collection="users", revision="nope")
    assert error["kind"] == "not_found" and "known branches: main" in error["message"], error
    given = {**shop, "collection": "users", "documents": [{"_id": 1}]}
    error = await refused(client, "put_documents", **given, branch="nope")
    assert "create_branch" in error["hint"], error
    error = await refused(client, "find_documents", **shop, collection="users", fliter={})
    assert "fliter" in error["message"], error
    error = await refused(client, "find_documents", collection="users")
    assert "project" in error["message"], error
    error = await refused(client, "count_documents", **shop, collection="users", filter={"$no": 1})
    assert "$no" in error["message"], error
    error = await refused(client, "put_documents", **shop, branch="main@1", collection="a", documents=[])
    assert error["kind"] == "invalid", error
    try:
        await client.call_tool("no_such_tool", {})
    except MCPError as unknown:
        assert "no_such_tool" in str(unknown)
    else:
        raise AssertionError("a tool that does not exist was called")


async def collections_are_resources(client: Client) -> None:
    uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
    assert "argon://shop@main/users" in uris, uris
    [template] = (await client.list_resource_templates()).resource_templates
    assert template.uri_template == "argon://{project}@{revision}/{collection}"
    [read] = (await client.read_resource("argon://shop@main@3/users")).contents
    assert [document["_id"] for document in json.loads(read.text)["items"]] == [1, 2, 3]
    try:
        await client.read_resource("argon://shop@nope/users")
    except MCPError as missing:
        assert "nope" in str(missing)
    else:
        raise AssertionError("a resource that does not exist was read")


asyncio.run(main(*sys.argv[1:]))
