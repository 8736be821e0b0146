//! From an address to a page.

use std::borrow::Cow;

use maud::Markup;

use crate::{
    Language, Refused, Source, assets, entry,
    layout::{self, Frame},
    pages,
    query::{Query, decode},
};

/// What a browser may do with a page: load style, script and pictures from this node, and nothing from anybody else.
/// No script or style stands in a page itself, so none that is smuggled into one runs.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every page and asset.
pub const HEADERS: [(&str, &str); 4] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// Every address of a page, as axum writes routes.
pub const ROUTES: &[&str] = &[
    "/",
    "/assets/{*name}",
    "/session",
    "/verify",
    "/enter",
    "/enter/{form}",
    "/ledger",
    "/ledger/feed",
    "/lots",
    "/lots/{member}/{number}",
    "/lots/{member}/{number}/{view}",
    "/records/{id}",
    "/facilities",
    "/facilities/{owner}/{name}",
    "/findings",
    "/circularity",
];

/// Who looks at the pages, as the node has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody in particular, and the ledger is for members.
    Stranger,
    /// Nobody in particular, and the ledger is open.
    Everybody,
    /// A member, by its id.
    Member(String),
    /// The bearer of a share link: its lot and tree size.
    Guest {
        /// The one lot that is shown.
        lot: String,
        /// Entries of the log that shares are computed as of.
        tree_size: u64,
        /// Address of the link, without a slash at its end.
        link: String,
    },
}

/// An address, with what the browser says beside it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path, still encoded.
    pub path: String,
    /// What stands behind the question mark.
    pub query: Query,
    /// The language that was chosen before, by cookie.
    pub chosen: Option<Language>,
    /// The Accept-Language header, or nothing.
    pub accepted: String,
    /// Who looks.
    pub viewer: Viewer,
    /// Address under which browsers reach this node, "https://host:port", for links that are printed.
    pub here: String,
}

impl Asked {
    /// The language of the answer: asked for, chosen before, accepted by the browser, English.
    #[must_use]
    pub fn language(&self) -> Language {
        let asked = self.query.get("lang").and_then(Language::of_tag);
        asked.or(self.chosen).or_else(|| Language::accepted(&self.accepted)).unwrap_or(Language::English)
    }

    /// Entries of the log to look at; 0: all.
    #[must_use]
    pub fn at(&self) -> u64 {
        match &self.viewer {
            Viewer::Guest { tree_size, .. } => *tree_size,
            _ => self.query.number("at").unwrap_or(0),
        }
    }
}

/// An answer to a browser.
#[derive(Clone, Debug)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub kind: &'static str,
    /// Cache-Control.
    pub caching: &'static str,
    /// The language to be remembered, when it was asked for.
    pub choose: Option<Language>,
    /// Its bytes.
    pub body: Cow<'static, [u8]>,
}

/// A page is for whoever asked, and may be another the next moment.
const NOT_KEPT: &str = "private, no-store";
/// An asset belongs to a version of the program.
const KEPT_SHORTLY: &str = "public, max-age=300";

impl Page {
    /// A whole page.
    pub(crate) fn html(status: u16, markup: Markup) -> Self {
        Self {
            status,
            kind: "text/html; charset=utf-8",
            caching: NOT_KEPT,
            choose: None,
            body: markup.into_string().into_bytes().into(),
        }
    }
}

/// Answers an address.
pub async fn answer(source: &dyn Source, asked: &Asked) -> Page {
    let path: Vec<String> = asked.path.split('/').skip(1).take(6).map(|part| decode(part, false)).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let ["assets", name @ ..] = &path[..] {
        return file(&name.join("/"), asked);
    }
    let frame = match Frame::of(source, asked).await {
        Ok(frame) => frame,
        Err(refused) => return refusal(asked, &refused),
    };
    let page = page(source, &frame, &path).await;
    let mut page = match page {
        Ok(markup) => Page::html(200, markup),
        Err(refused) => Page::html(refused.status(), layout::refused(&frame, &refused)),
    };
    page.choose = asked.query.get("lang").and_then(Language::of_tag);
    page
}

fn refusal(asked: &Asked, refused: &Refused) -> Page {
    layout::refusal(asked, refused)
}

fn file(name: &str, asked: &Asked) -> Page {
    match assets::asset(name) {
        Some(asset) => Page {
            status: 200,
            kind: asset.kind,
            caching: KEPT_SHORTLY,
            choose: None,
            body: Cow::Borrowed(asset.bytes),
        },
        None => refusal(asked, &Refused::NotFound(format!("there is no asset {}", name.escape_debug()))),
    }
}

async fn page(source: &dyn Source, frame: &Frame<'_>, path: &[&str]) -> Result<Markup, Refused> {
    if matches!(frame.asked.viewer, Viewer::Guest { .. }) && path.first() != Some(&"share") {
        return Err(Refused::Denied(frame.words().guest_only.to_owned()));
    }
    match path {
        [""] | ["ledger"] => pages::ledger::page(source, frame).await,
        ["lots"] => pages::lots::page(source, frame).await,
        ["lots", member, number] => pages::lot::page(source, frame, &format!("{member}/{number}")).await,
        ["lots", member, number, view] => lot_view(source, frame, &format!("{member}/{number}"), view).await,
        ["records", id] => pages::record::page(source, frame, id).await,
        ["facilities"] => pages::balance::list(source, frame).await,
        ["facilities", owner, name] => pages::balance::page(source, frame, &format!("{owner}/{name}")).await,
        ["circularity"] => pages::circularity::page(source, frame).await,
        ["findings"] => pages::findings::page(source, frame).await,
        ["share", _] => match &frame.asked.viewer {
            Viewer::Guest { lot, .. } => pages::passport::page(source, frame, lot).await,
            _ => Err(Refused::NotFound(String::new())),
        },
        ["ledger", "feed"] => pages::ledger::feed(source, frame).await,
        ["session"] => Ok(pages::session::page(frame)),
        ["verify"] => Ok(entry::verify(frame)),
        ["enter"] => entry::enter(source, frame, None).await,
        ["enter", form] => entry::enter(source, frame, Some(form)).await,
        _ => Err(Refused::NotFound(String::new())),
    }
}

async fn lot_view(source: &dyn Source, frame: &Frame<'_>, lot: &str, view: &str) -> Result<Markup, Refused> {
    match view {
        "passport" => pages::passport::page(source, frame, lot).await,
        "recall" => pages::recall::page(source, frame, lot).await,
        "custody" => pages::custody::page(source, frame, lot).await,
        "journey" => pages::journey::page(source, frame, lot).await,
        "loop" => pages::circularity::of_lot(source, frame, lot).await,
        "dependence" => pages::dependence::page(source, frame, lot).await,
        "assays" => pages::assays::page(source, frame, lot).await,
        _ => Err(Refused::NotFound(String::new())),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a browser without any settings asks, open ledger.
    pub(crate) fn asked(address: &str) -> Asked {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        Asked {
            path: path.to_owned(),
            query: Query::read(query),
            chosen: None,
            accepted: String::new(),
            viewer: Viewer::Everybody,
            here: "http://localhost:8720".to_owned(),
        }
    }

    #[test]
    fn the_policy_lets_nothing_in_from_outside_and_runs_nothing_that_stands_in_a_page() {
        let policy = CONTENT_SECURITY_POLICY;
        assert!(policy.starts_with("default-src 'none'"));
        for word in ["unsafe", "http:", "https:", "*", "'nonce", "blob:"] {
            assert!(!policy.contains(word), "{word} in {policy}");
        }
        for directive in [
            "script-src 'self'",
            "style-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(directive), "{directive}");
        }
    }
}
