//! The common parameters of the simple event query, EPCIS 2.0 §8.2.7.1, as the REST binding spells them.
//!
//! Values of a list are separated by `|`. A lot of this ledger is both an object and a class: parameters on
//! EPCs and on classes both match it.

use crate::{
    digital_link,
    json::{Object, Value},
    refusal::{Clause, Refusal, quote},
    syntax::{self, Instant},
    words::Vocabulary,
};

/// Events on a page when nothing is said, and at most.
const PER_PAGE: usize = 30;
const MOST_PER_PAGE: usize = 1_000;
/// Most values of one parameter.
const MOST_VALUES: usize = 100;

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    tests: Vec<Test>,
    /// Events on a page, 1 to 1,000.
    pub per_page: usize,
    /// Where the page begins, as a page before said; none: at the beginning.
    pub next_page_token: Option<String>,
    /// In which order events come; none: that of the log.
    pub order: Option<Order>,
    /// Only so many events, the first ones in the order.
    pub event_count_limit: Option<u64>,
    /// Should there be more events than these, the query is refused.
    pub max_event_count: Option<u64>,
}

/// An order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// The newest first.
    pub descending: bool,
}

/// What events are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// When it happened, by its author's account.
    EventTime,
    /// When the ledger took it: the order of the log.
    RecordTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Test {
    fields: &'static [&'static str],
    kind: Kind,
    values: Vec<String>,
    time: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The field is one of the values.
    Is,
    /// A word of this vocabulary, in any spelling.
    Word(Vocabulary),
    /// A text, or one of a list of texts, in a field of the field; a word of this vocabulary, if any.
    Inner(Option<Vocabulary>),
    /// The place is one of these.
    Place,
    /// Something in one of the lists is one of these.
    Names,
    /// A link of this kind leads to one of these.
    Links,
    NotBefore,
    Before,
    Exists,
}

const THINGS: &[&str] = &["epcList", "quantityList", "childEPCs", "childQuantityList"];
const INPUTS: &[&str] = &["inputEPCList", "inputQuantityList"];
const OUTPUTS: &[&str] = &["outputEPCList", "outputQuantityList"];
const ANY: &[&str] = &[
    "epcList",
    "quantityList",
    "childEPCs",
    "childQuantityList",
    "parentID",
    "inputEPCList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
];

/// Name, fields, and how they are compared.
const PARAMETERS: [(&str, &[&str], Kind); 36] = [
    ("eventType", &["type"], Kind::Is),
    ("GE_eventTime", &["eventTime"], Kind::NotBefore),
    ("LT_eventTime", &["eventTime"], Kind::Before),
    ("GE_recordTime", &["recordTime"], Kind::NotBefore),
    ("LT_recordTime", &["recordTime"], Kind::Before),
    ("EQ_action", &["action"], Kind::Is),
    ("EQ_bizStep", &["bizStep"], Kind::Word(Vocabulary::BizStep)),
    ("EQ_disposition", &["disposition"], Kind::Word(Vocabulary::Disposition)),
    ("EQ_eventID", &["eventID"], Kind::Is),
    ("EQ_transformationID", &["transformationID"], Kind::Is),
    ("EQ_readPoint", &["readPoint"], Kind::Place),
    ("EQ_bizLocation", &["bizLocation"], Kind::Place),
    // No place of this ledger is part of another, so one with its descendants is that one.
    ("WD_readPoint", &["readPoint"], Kind::Place),
    ("WD_bizLocation", &["bizLocation"], Kind::Place),
    ("EQ_source_owning_party", &["sourceList", "source", "owning_party"], Kind::Links),
    ("EQ_source_possessing_party", &["sourceList", "source", "possessing_party"], Kind::Links),
    ("EQ_source_location", &["sourceList", "source", "location"], Kind::Links),
    ("EQ_destination_owning_party", &["destinationList", "destination", "owning_party"], Kind::Links),
    ("EQ_destination_possessing_party", &["destinationList", "destination", "possessing_party"], Kind::Links),
    ("EQ_destination_location", &["destinationList", "destination", "location"], Kind::Links),
    ("MATCH_epc", THINGS, Kind::Names),
    ("MATCH_epcClass", THINGS, Kind::Names),
    ("MATCH_parentID", &["parentID"], Kind::Names),
    ("MATCH_inputEPC", INPUTS, Kind::Names),
    ("MATCH_inputEPCClass", INPUTS, Kind::Names),
    ("MATCH_outputEPC", OUTPUTS, Kind::Names),
    ("MATCH_outputEPCClass", OUTPUTS, Kind::Names),
    ("MATCH_anyEPC", ANY, Kind::Names),
    ("MATCH_anyEPCClass", ANY, Kind::Names),
    (
        "EQ_persistentDisposition_set",
        &["persistentDisposition", "set"],
        Kind::Inner(Some(Vocabulary::Disposition)),
    ),
    (
        "EQ_persistentDisposition_unset",
        &["persistentDisposition", "unset"],
        Kind::Inner(Some(Vocabulary::Disposition)),
    ),
    ("EXISTS_errorDeclaration", &["errorDeclaration"], Kind::Exists),
    ("GE_errorDeclarationTime", &["errorDeclaration", "declarationTime"], Kind::NotBefore),
    ("LT_errorDeclarationTime", &["errorDeclaration", "declarationTime"], Kind::Before),
    ("EQ_errorReason", &["errorDeclaration", "reason"], Kind::Inner(Some(Vocabulary::ErrorReason))),
    ("EQ_correctiveEventID", &["errorDeclaration", "correctiveEventIDs"], Kind::Inner(None)),
];

impl Query {
    /// Reads parameters, already unescaped.
    ///
    /// # Errors
    /// [`Refusal`] for one that is unknown, stands twice, or has no value that fits.
    pub fn read<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let mut query = Self {
            tests: Vec::new(),
            per_page: PER_PAGE,
            next_page_token: None,
            order: None,
            event_count_limit: None,
            max_event_count: None,
        };
        let mut descending = None;
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in parameters {
            let bad = |reason: &str, hint: &str| Refusal::new(name, Clause::Query, reason, hint);
            if seen.iter().any(|known| known == name) {
                return Err(bad("stands twice", "separate the values of one parameter by |"));
            }
            seen.push(name.to_owned());
            match name {
                "perPage" => {
                    let number = value.parse().ok().filter(|number: &usize| *number > 0);
                    let number = number.ok_or_else(|| bad("is no number of events", "1 to 1000"))?;
                    query.per_page = number.min(MOST_PER_PAGE);
                }
                "nextPageToken" => query.next_page_token = Some(value.to_owned()),
                "orderBy" => {
                    let by = match value {
                        "eventTime" => OrderBy::EventTime,
                        "recordTime" => OrderBy::RecordTime,
                        _ => return Err(bad("names no field to order by", "eventTime or recordTime")),
                    };
                    query.order = Some(Order { by, descending: true });
                }
                "orderDirection" => {
                    descending = Some(match value {
                        "ASC" => false,
                        "DESC" => true,
                        _ => return Err(bad("is no direction", "ASC or DESC")),
                    });
                }
                "eventCountLimit" | "maxEventCount" => {
                    let number = value.parse().ok().filter(|number: &u64| *number > 0);
                    let number = number.ok_or_else(|| bad("is no number of events", "1 or more"))?;
                    match name {
                        "maxEventCount" => query.max_event_count = Some(number),
                        _ => query.event_count_limit = Some(number),
                    }
                }
                _ => query.tests.push(test(name, value)?),
            }
        }
        let refused =
            |name: &str, reason: &str, hint: &str| Err(Refusal::new(name, Clause::Query, reason, hint));
        match (&mut query.order, descending) {
            (Some(order), Some(descending)) => order.descending = descending,
            (None, Some(_)) => {
                return refused("orderDirection", "has nothing to order", "state orderBy as well");
            }
            (_, None) => {}
        }
        match (query.event_count_limit, query.max_event_count, query.order) {
            (Some(_), Some(_), _) => {
                refused("eventCountLimit", "and maxEventCount exclude each other", "state one of them")
            }
            (Some(_), None, None) => {
                refused("eventCountLimit", "has no first events without an order", "state orderBy as well")
            }
            _ => Ok(query),
        }
    }

    /// Bounds of `recordTime`, the lower one included; the events between them are those that [`Query::matches`] may
    /// hold for, by when the ledger took them.
    #[must_use]
    pub fn record_time(&self) -> (Option<Instant>, Option<Instant>) {
        let bound = |kind: Kind| {
            let test = self.tests.iter().find(|test| test.kind == kind && test.fields == ["recordTime"])?;
            test.time
        };
        (bound(Kind::NotBefore), bound(Kind::Before))
    }

    /// Whether an event answers it.
    #[must_use]
    pub fn matches(&self, event: &Object) -> bool {
        self.tests.iter().all(|test| test.holds(event))
    }
}

fn test(name: &str, value: &str) -> Result<Test, Refusal> {
    let known = PARAMETERS.iter().find(|(known, _, _)| *known == name);
    let (_, fields, kind) = known.ok_or_else(|| {
        let names: Vec<&str> = PARAMETERS.iter().map(|(name, _, _)| *name).collect();
        let others = "perPage, nextPageToken, orderBy, orderDirection, eventCountLimit, maxEventCount";
        let hint = format!("{others}, {}", names.join(", "));
        Refusal::new(
            name,
            Clause::Query,
            format!("{} is no parameter that is answered here", quote(name)),
            hint,
        )
    })?;
    let values: Vec<String> = value.split('|').map(|value| spelled(*kind, value)).collect();
    if values.len() > MOST_VALUES || values.iter().any(String::is_empty) {
        let reason = format!("has an empty value, or more than {MOST_VALUES}");
        return Err(Refusal::new(name, Clause::Query, reason, "name each value once, separated by |"));
    }
    let time = match kind {
        Kind::NotBefore | Kind::Before => {
            let time = syntax::instant(value);
            let hint = "as in 2026-11-22T17:30:00.000Z; a plus sign in an address is written %2B";
            Some(time.ok_or_else(|| Refusal::new(name, Clause::Query, "is no RFC 3339 time", hint))?)
        }
        _ => None,
    };
    Ok(Test { fields, kind: *kind, values, time })
}

/// The one spelling in which values are compared.
fn spelled(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Word(vocabulary) | Kind::Inner(Some(vocabulary)) => vocabulary.bare(value).to_owned(),
        Kind::Place | Kind::Names | Kind::Links => {
            digital_link::canonical(value).unwrap_or_else(|| value.to_owned())
        }
        _ => value.to_owned(),
    }
}

impl Test {
    fn holds(&self, event: &Object) -> bool {
        let is = |text: &str| {
            let text = spelled(self.kind, text);
            self.values.contains(&text)
        };
        let field = |name: &str| event.get(name);
        match self.kind {
            Kind::Is | Kind::Word(_) => self.fields.iter().filter_map(|name| event.text(name)).any(is),
            Kind::Place => {
                let id = field(self.fields[0]).and_then(Value::as_object).and_then(|place| place.text("id"));
                id.is_some_and(is)
            }
            Kind::Names => {
                self.fields.iter().filter_map(|name| field(name)).any(|value| names(value).any(is))
            }
            Kind::Links => {
                let links = field(self.fields[0]).and_then(Value::as_list).unwrap_or_default();
                let of_kind = links
                    .iter()
                    .filter_map(Value::as_object)
                    .filter(|it| it.text("type") == Some(self.fields[2]));
                of_kind.filter_map(|link| link.text(self.fields[1])).any(is)
            }
            Kind::Inner(_) => within(event, self.fields).is_some_and(|value| names(value).any(is)),
            Kind::NotBefore | Kind::Before => {
                let time = within(event, self.fields).and_then(Value::as_text).and_then(syntax::instant);
                match (time, self.time) {
                    (Some(time), Some(bound)) => (time >= bound) == (self.kind == Kind::NotBefore),
                    _ => false,
                }
            }
            Kind::Exists => field(self.fields[0]).is_some() == (self.values[0] != "false"),
        }
    }
}

/// RFC 3986: what may not stand in a query, escaped.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What stands at the end of a path of fields.
fn within<'a>(event: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (last, outer) = path.split_last()?;
    let inner = outer.iter().try_fold(event, |object, name| object.get(name)?.as_object())?;
    inner.get(last)
}

/// The URIs of a list of objects or classes, or of a single one.
fn names(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_list().unwrap_or_else(|| std::slice::from_ref(value));
    items.iter().filter_map(|item| match item {
        Value::Text(uri) => Some(uri.as_str()),
        Value::Object(element) => element.text("epcClass"),
        _ => None,
    })
}

/// The answer to a query, from events in order.
#[must_use]
pub fn answer(events: Vec<Object>, created: Instant) -> Value {
    let events: Vec<Value> = events.into_iter().map(Value::Object).collect();
    let body = Object::new().with("eventList", events);
    let results = Object::new().with("queryName", "SimpleEventQuery").with("resultsBody", body);
    Object::new()
        .with("@context", crate::export::context())
        .with("type", "EPCISQueryDocument")
        .with("schemaVersion", "2.0")
        .with("creationDate", created.utc())
        .with("epcisBody", Object::new().with("queryResults", results))
        .into()
}

#[cfg(test)]
mod tests {
    use super::{Instant, OrderBy, Query};
    use crate::json::{Object, Value};

    fn event() -> Object {
        let text = r#"{"type":"ObjectEvent","eventTime":"2026-01-15T08:00:00.000Z","action":"OBSERVE",
            "bizStep":"shipping","bizLocation":{"id":"https://id.gs1.org/414/9521234000112"},
            "quantityList":[{"epcClass":"https://id.gs1.org/01/09521234000013/10/A-0001"}],
            "persistentDisposition":{"set":["completeness_verified"]},
            "errorDeclaration":{"declarationTime":"2026-02-01T00:00:00Z","reason":"incorrect_data","correctiveEventIDs":["urn:x:y"]},
            "destinationList":[{"type":"owning_party","destination":"https://id.gs1.org/417/9521234000136"}]}"#;
        match Value::parse(text) {
            Ok(Value::Object(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parameters_say_which_events_are_meant() {
        let yes: [&[(&str, &str)]; 12] = [
            &[],
            &[("eventType", "AggregationEvent|ObjectEvent"), ("perPage", "5000")],
            &[("GE_eventTime", "2026-01-15T08:00:00Z"), ("LT_eventTime", "2026-01-15T10:00:00.001+02:00")],
            &[("EQ_bizStep", "urn:epcglobal:cbv:bizstep:shipping")],
            &[("EQ_bizLocation", "urn:epc:id:sgln:9521234.00011.0")],
            &[("MATCH_anyEPC", "https://example.com/01/9521234000013/10/A-0001?x=1")],
            &[("MATCH_epcClass", "https://id.gs1.org/01/09521234000013/10/A-0001")],
            &[("EQ_destination_owning_party", "urn:epc:id:pgln:9521234.00013")],
            &[("EXISTS_errorDeclaration", "true"), ("GE_errorDeclarationTime", "2026-02-01T00:00:00Z")],
            &[
                ("EQ_errorReason", "https://ref.gs1.org/cbv/ER-incorrect_data"),
                ("EQ_correctiveEventID", "urn:x:y|urn:x:z"),
            ],
            &[("EQ_persistentDisposition_set", "completeness_verified")],
            &[("WD_bizLocation", "https://id.gs1.org/414/9521234000112")],
        ];
        for parameters in yes {
            let query = Query::read(parameters.iter().copied()).expect("is a query");
            assert!(query.matches(&event()), "{parameters:?}");
            assert!(query.per_page <= 1_000);
        }
        let no: [&[(&str, &str)]; 10] = [
            &[("eventType", "AggregationEvent")],
            &[("LT_eventTime", "2026-01-15T08:00:00Z")],
            &[("GE_recordTime", "2026-01-15T08:00:00Z")],
            &[("MATCH_inputEPC", "https://id.gs1.org/01/09521234000013/10/A-0001")],
            &[("EQ_destination_location", "https://id.gs1.org/417/9521234000136")],
            &[("EQ_bizStep", "shipping"), ("EQ_action", "ADD")],
            &[("EXISTS_errorDeclaration", "false")],
            &[("LT_errorDeclarationTime", "2026-02-01T00:00:00Z")],
            &[("EQ_errorReason", "did_not_occur")],
            &[("EQ_persistentDisposition_unset", "completeness_verified")],
        ];
        for parameters in no {
            let query = Query::read(parameters.iter().copied()).expect("is a query");
            assert!(!query.matches(&event()), "{parameters:?}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_refused_by_name() {
        for (name, value) in
            [("EQ_colour", "red"), ("perPage", "0"), ("GE_eventTime", "yesterday"), ("EQ_action", "")]
        {
            let refusal = Query::read([(name, value)]).expect_err(name);
            assert_eq!(refusal.path, name);
            assert!(!refusal.hint.is_empty());
        }
        assert!(Query::read([("perPage", "1"), ("perPage", "2")]).is_err());
        for (parameters, named) in [
            ([("orderBy", "eventType"), ("perPage", "5")], "orderBy"),
            ([("orderBy", "eventTime"), ("orderDirection", "up")], "orderDirection"),
            ([("orderDirection", "ASC"), ("perPage", "5")], "orderDirection"),
            ([("eventCountLimit", "5"), ("perPage", "5")], "eventCountLimit"),
            ([("eventCountLimit", "5"), ("maxEventCount", "5")], "eventCountLimit"),
            ([("maxEventCount", "0"), ("perPage", "5")], "maxEventCount"),
        ] {
            assert_eq!(Query::read(parameters).expect_err("no query").path, named, "{parameters:?}");
        }
    }

    #[test]
    fn an_order_is_descending_unless_it_says_otherwise_and_record_times_are_bounds() {
        let order = |direction: Option<&str>| {
            let direction = direction.map(|direction| ("orderDirection", direction));
            let query =
                Query::read([("orderBy", "eventTime")].into_iter().chain(direction)).expect("a query");
            query.order.map(|order| (order.by, order.descending))
        };
        assert_eq!(order(None), Some((OrderBy::EventTime, true)));
        assert_eq!(order(Some("ASC")), Some((OrderBy::EventTime, false)));
        let bounds = [("GE_recordTime", "2026-01-01T00:00:00Z"), ("LT_eventTime", "2026-01-02T00:00:00Z")];
        let (from, until) = Query::read(bounds).expect("a query").record_time();
        assert_eq!((from.map(Instant::utc).as_deref(), until), (Some("2026-01-01T00:00:00.000Z"), None));
    }
}
