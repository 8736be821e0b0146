//! Asking for a page, and reading what comes back as a browser, and as somebody who does not see, would.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use ore_web::{Asked, Page, Source, Viewer, answer, query::Query};

/// The answer to an address; sources of tests never wait.
pub(crate) fn get(source: &dyn Source, address: &str, viewer: Viewer) -> Page {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let asked = Asked {
        path: path.to_owned(),
        query: Query::read(query),
        chosen: None,
        accepted: String::new(),
        viewer,
        here: "https://node.example".to_owned(),
    };
    let mut future = pin!(answer(source, &asked));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(page) => page,
        Poll::Pending => panic!("a source of a test does not wait"),
    }
}

pub(crate) fn text(page: &Page) -> String {
    String::from_utf8(page.body.to_vec()).expect("pages are UTF-8")
}

/// One tag: its name and its attributes.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Opening tags in order. Strict: pages are made by one template engine and one pen, which quote every value.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').expect("a tag ends");
        let (inside, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if inside.starts_with(['/', '!']) {
            continue;
        }
        let inside = inside.trim_end_matches('/');
        let (name, mut list) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        while !list.trim().is_empty() {
            list = list.trim_start();
            let stop = list.find([' ', '=']).unwrap_or(list.len());
            let attribute = &list[..stop];
            if list[stop..].starts_with("=\"") {
                let value = &list[stop + 2..];
                let close = value.find('"').expect("a value ends");
                attributes.push((attribute.to_owned(), value[..close].to_owned()));
                list = &value[close + 1..];
            } else {
                attributes.push((attribute.to_owned(), String::new()));
                list = &list[stop..];
            }
        }
        tags.push(Tag { name: name.to_owned(), attributes });
    }
    tags
}
