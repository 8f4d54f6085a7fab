//! Collections as resources: `argon://PROJECT@REVISION/COLLECTION`.

use argon_core::Error;
use argon_service::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rmcp::model::{
    JsonObject, ListResourcesResult, ReadResourceResponse, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;

use super::Mcp;
use super::described::Described;

const SCHEME: &str = "argon://";
/// What a resource is: documents as a page of the tool `find_documents` has them.
const KIND: &str = "application/json";
/// How many projects the collections of a page are of.
const PAGE: usize = 20;
/// What stands for itself in a name.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The resources that there are.
pub(super) fn template() -> ResourceTemplate {
    ResourceTemplate::new(format!("{SCHEME}{{project}}@{{revision}}/{{collection}}"), "collection")
        .with_title("Documents of a state")
        .with_description(
            "The first documents of a collection: {\"items\": […], \"next\": \"…\"}. The revision is a branch, a pin, \
             main@12 or main@2026-07-07T09:00. For more of them, give `next` to find_documents as `cursor`.",
        )
        .with_mime_type(KIND)
}

impl Mcp {
    /// The collections of the projects after one, on their default branch.
    pub(super) async fn resources(
        &self,
        after: Option<&str>,
        context: &RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult> {
        let listed = self.call(named("list_projects")?, JsonObject::new(), context).await?;
        let projects = names(&listed["result"], "project");
        let mut projects = projects.filter(|name| after.is_none_or(|after| *name > after));
        let branch = self.shared.options.branch.as_str();
        let agent = self.agent(context)?;
        let mut resources = Vec::new();
        let mut last = None;
        for project in projects.by_ref().take(PAGE) {
            let arguments = arguments([("project", project), ("revision", branch)]);
            let listed = self.call_as(named("list_collections")?, arguments, agent.clone()).await;
            // The branch may be missing, or not for this user.
            let listed = listed.unwrap_or_default();
            resources.extend(names(&listed["items"], "collection").map(|collection| {
                Resource::new(uri(project, branch, collection), collection)
                    .with_title(format!("{collection} of {project}"))
                    .with_mime_type(KIND)
            }));
            last = Some(project.to_owned());
        }
        let mut result = ListResourcesResult::with_all_items(resources);
        result.next_cursor = last.filter(|_| projects.next().is_some());
        Ok(result)
    }

    /// The first documents of a collection.
    pub(super) async fn resource(
        &self,
        uri: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse> {
        let (project, revision, collection) = parse(uri).ok_or_else(|| {
            Error::invalid(format!("'{uri}' should be argon://PROJECT@REVISION/COLLECTION"))
        })?;
        let revision = revision.unwrap_or_else(|| self.shared.options.branch.to_string());
        let names = [
            ("project", project.as_str()),
            ("revision", revision.as_str()),
            ("collection", collection.as_str()),
        ];
        let page = self.call(named("find_documents")?, arguments(names), context).await?;
        let contents = ResourceContents::text(page.to_string(), uri).with_mime_type(KIND);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

/// The tool of a name.
fn named(name: &str) -> Result<&'static Described> {
    let tool = Described::all().iter().find(|tool| tool.mcp.name == name);
    tool.ok_or_else(|| Error::internal(format!("there is no tool {name}")).into())
}

fn arguments<const N: usize>(fields: [(&str, &str); N]) -> JsonObject {
    fields.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

/// The names in a list of objects.
fn names<'v>(items: &'v Value, field: &'static str) -> impl Iterator<Item = &'v str> {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(move |item| item[field].as_str())
}

fn uri(project: &str, revision: &str, collection: &str) -> String {
    let [project, revision, collection] =
        [project, revision, collection].map(|name| utf8_percent_encode(name, PLAIN));
    format!("{SCHEME}{project}@{revision}/{collection}")
}

/// The project, the revision and the collection of a URI.
fn parse(uri: &str) -> Option<(String, Option<String>, String)> {
    let (state, collection) = uri.strip_prefix(SCHEME)?.rsplit_once('/')?;
    let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let (project, revision) = match state.split_once('@') {
        Some((project, revision)) => (project, Some(decoded(revision)?)),
        None => (state, None),
    };
    let (project, collection) = (decoded(project)?, decoded(collection)?);
    (!project.is_empty() && !collection.is_empty()).then_some((project, revision, collection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_what_it_was_made_of() {
        let names = ["shop", "try/one@12", "a b/c"];
        let made = uri(names[0], names[1], names[2]);
        let [project, revision, collection] = names.map(str::to_owned);
        assert_eq!(parse(&made), Some((project, Some(revision), collection)));
    }

    #[test]
    fn a_revision_is_read_without_encoding_and_may_be_missing() {
        let of = |uri| {
            parse(uri)
                .map(|(project, revision, name)| (project, revision.unwrap_or_default(), name))
        };
        let parts = |names: [&str; 3]| {
            Some((names[0].to_owned(), names[1].to_owned(), names[2].to_owned()))
        };
        assert_eq!(of("argon://shop@main@12/users"), parts(["shop", "main@12", "users"]));
        assert_eq!(of("argon://shop/users"), parts(["shop", "", "users"]));
        assert_eq!(of("argon://shop@feature/x/users"), parts(["shop", "feature/x", "users"]));
        for wrong in
            ["argon://", "argon:///users", "argon://shop", "file://shop/users", "argon://shop/"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
