//! Namespaces: from a prefix in a document to the URI that it stands for.

use std::collections::BTreeMap;

use crate::json::{Object, Value};

/// The prefixes that a document declares, and the fields that its hash leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    prefixes: BTreeMap<String, String>,
    ignored: Vec<String>,
    /// In XML a prefix in a value stands for nothing.
    names_only: bool,
}

impl Context {
    /// What a document's head, or an event's own `@context`, declares.
    #[must_use]
    pub fn of(head: &Object) -> Self {
        let mut context = Self::default();
        context.extend(head);
        context
    }

    /// The same, with what an event declares by itself.
    #[must_use]
    pub fn and(&self, event: &Object) -> Self {
        let mut context = self.clone();
        context.extend(event);
        context
    }

    /// The same, for a document that was XML.
    #[must_use]
    pub(crate) const fn for_names_only(mut self) -> Self {
        self.names_only = true;
        self
    }

    fn extend(&mut self, object: &Object) {
        match object.get("@context") {
            Some(Value::List(items)) => items.iter().for_each(|item| self.declare(item)),
            Some(item) => self.declare(item),
            None => {}
        }
        self.ignore(object);
        let results =
            object.get("epcisBody").and_then(Value::as_object).and_then(|it| it.get("queryResults"));
        results.and_then(Value::as_object).into_iter().for_each(|results| self.ignore(results));
    }

    /// `ignoreFields` of any namespace: a list of names, or in XML elements of these names.
    fn ignore(&mut self, object: &Object) {
        for (_, value) in object.iter().filter(|(name, _)| name.ends_with(":ignoreFields")) {
            let names = value.as_list().unwrap_or_default().iter().filter_map(Value::as_text);
            self.ignored.extend(names.map(str::to_owned));
            let elements = value.as_object().into_iter().flat_map(Object::iter);
            self.ignored.extend(elements.map(|(name, _)| name.to_owned()));
        }
    }

    fn declare(&mut self, item: &Value) {
        let Some(object) = item.as_object() else { return };
        for (prefix, value) in object.iter() {
            let uri = value.as_text().or_else(|| value.as_object().and_then(|term| term.text("@id")));
            if let (false, Some(uri)) = (prefix.starts_with('@'), uri) {
                self.prefixes.insert(prefix.to_owned(), uri.to_owned());
            }
        }
    }

    /// Namespace and local name behind `prefix:local`, if the prefix is declared.
    #[must_use]
    pub fn split<'a>(&'a self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let (prefix, local) = name.split_once(':')?;
        self.prefixes.get(prefix).map(|uri| (uri.as_str(), local))
    }

    /// `{namespace}local` as the hash writes a qualified name; others stay as they are.
    #[must_use]
    pub fn expanded_name(&self, name: &str) -> String {
        self.split(name).map_or_else(|| name.to_owned(), |(uri, local)| format!("{{{uri}}}{local}"))
    }

    /// The whole URI behind a compact one; others stay as they are.
    #[must_use]
    pub fn expanded_value(&self, value: &str) -> String {
        let split = self.split(value).filter(|_| !self.names_only);
        split.map_or_else(|| value.to_owned(), |(uri, local)| format!("{uri}{local}"))
    }

    /// Whether the document says that this field is no part of an event's hash.
    #[must_use]
    pub fn ignores(&self, name: &str) -> bool {
        self.ignored.iter().any(|ignored| ignored == name)
    }
}
