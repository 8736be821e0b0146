//! Named queries of the member: kept beside its keys, asked of the node whenever they are asked for.
//!
//! A node keeps nothing for those who ask it. Subscriptions are left out for the same reason: a node calls nobody;
//! whoever wants what is new asks with `GE_recordTime`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ore_epcis::query::{Query, escaped};
use serde_json::{Value, json};

use super::problem::Exception;

/// Most queries.
const MOST: usize = 1_000;
/// Largest definition, in bytes.
pub(super) const MOST_BYTES: usize = 64 << 10;

/// Why a query is not kept, or not there.
pub(super) type Refused = (Exception, String);

/// The queries of a home folder.
pub(super) struct Queries {
    folder: PathBuf,
    writing: Mutex<()>,
}

impl Queries {
    pub(super) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), writing: Mutex::new(()) }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let good = !name.is_empty() && name.len() <= 64 && name.bytes().all(plain);
        good.then(|| self.folder.join(format!("{name}.json")))
    }

    /// Names in order.
    pub(super) fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let name =
            |file: fs::DirEntry| file.file_name().to_string_lossy().strip_suffix(".json").map(str::to_owned);
        let mut names: Vec<String> = files.filter_map(name).collect();
        names.sort_unstable();
        names
    }

    /// Keeps a query, if it is one that can be asked.
    pub(super) fn keep(&self, definition: &[u8]) -> Result<String, Refused> {
        let bad = |what: String| (Exception::QueryValidation, what);
        let definition: Value = serde_json::from_slice(definition).map_err(|error| bad(error.to_string()))?;
        let name = definition["name"].as_str().unwrap_or_default();
        let path = self
            .path(name)
            .ok_or_else(|| bad("a name has 1 to 64 letters, digits, hyphens and underscores".to_owned()))?;
        let parameters = parameters(&definition["query"]).map_err(bad)?;
        let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Query::read(pairs).map_err(|refusal| bad(format!("{refusal}; {}", refusal.hint)))?;
        let failed = |error: std::io::Error| (Exception::Implementation, format!("keep the query: {error}"));
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if path.exists() {
            return Err((Exception::AlreadyExists, format!("there is a query {name}: delete it first")));
        }
        if self.names().len() >= MOST {
            return Err(bad(format!("there are {MOST} queries: delete one first")));
        }
        let kept = json!({ "name": name, "query": definition["query"] });
        let part = self.folder.join(format!("{name}.part"));
        fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&part, kept.to_string()))
            .and_then(|()| fs::rename(&part, &path))
            .map_err(failed)?;
        Ok(name.to_owned())
    }

    /// A query as it was kept.
    pub(super) fn look(&self, name: &str) -> Result<Value, Refused> {
        let text = self.path(name).and_then(|path| fs::read_to_string(path).ok());
        let query = text.and_then(|text| serde_json::from_str(&text).ok());
        query.ok_or_else(|| (Exception::NoSuchName, format!("there is no query {}", escaped(name))))
    }

    /// Forgets a query.
    pub(super) fn forget(&self, name: &str) -> Result<(), Refused> {
        self.look(name)?;
        let path = self.path(name).unwrap_or_default();
        fs::remove_file(path).map_err(|error| (Exception::Implementation, error.to_string()))
    }

    /// Where the node answers it, with these parameters beside its own: a page's size, and where it begins.
    pub(super) fn address(&self, name: &str, beside: &str) -> Result<String, Refused> {
        let query = self.look(name)?;
        let own = parameters(&query["query"]).map_err(|what| (Exception::QueryValidation, what))?;
        let own = own.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        let all: Vec<String> = own.chain((!beside.is_empty()).then(|| beside.to_owned())).collect();
        Ok(format!("/epcis/events?{}", all.join("&")))
    }
}

/// A query's parameters as an address spells them: values of a list are separated by `|`.
fn parameters(query: &Value) -> Result<Vec<(String, String)>, String> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let object = query.as_object().ok_or("the query is an object of parameters")?;
    let one = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::Array(values) => {
                values.iter().map(plain).collect::<Option<Vec<_>>>().map(|it| it.join("|"))
            }
            value => plain(value),
        };
        let text = text.ok_or_else(|| format!("{name} is no text, number, truth value or list of them"))?;
        Ok((name.clone(), text))
    };
    object.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Exception, Queries};

    #[test]
    fn a_query_is_kept_by_its_name_and_asked_as_it_was_stated() {
        let folder = tempfile::tempdir().expect("a folder");
        let queries = Queries::at(&folder.path().join("queries"));
        let text =
            br#"{"name":"mined","query":{"EQ_bizStep":["commissioning","shipping"],"maxEventCount":5}}"#;
        assert_eq!(queries.keep(text).as_deref(), Ok("mined"));
        assert_eq!(queries.keep(text).map_err(|(what, _)| what), Err(Exception::AlreadyExists));
        assert_eq!(queries.names(), ["mined"]);
        let address = queries.address("mined", "perPage=1").expect("there");
        assert_eq!(address, "/epcis/events?EQ_bizStep=commissioning%7Cshipping&maxEventCount=5&perPage=1");
        for wrong in ["x", r#"{"name":"../x","query":{}}"#, r#"{"name":"x","query":{"EQ_colour":"red"}}"#] {
            let refused = queries.keep(wrong.as_bytes()).map_err(|(what, _)| what);
            assert_eq!(refused, Err(Exception::QueryValidation), "{wrong}");
        }
        assert_eq!(queries.forget("mined"), Ok(()));
        assert_eq!(queries.look("mined").map_err(|(what, _)| what), Err(Exception::NoSuchName));
        assert_eq!(queries.look("../../secret").map_err(|(what, _)| what), Err(Exception::NoSuchName));
    }
}
