//! Who sees what: a page shows what its questions were answered, and hostile names stay text.

use async_trait::async_trait;
use ore_web::{Answer, Refused, Source, Viewer};
use ore_wire::v1;

use crate::page::{get, tags, text};

/// Answers nothing but what a share link's bearer may ask, and everything with names that try to break out.
pub(crate) struct Guarded;

const HOSTILE: &str = "\"><script>alert(1)</script><a href='x' onclick=\"y";

fn denied<T>() -> Answer<T> {
    Err(Refused::Denied("a share link shows one lot and its proof, nothing else".to_owned()))
}

#[async_trait]
impl Source for Guarded {
    async fn info(&self) -> Answer<v1::GetInfoResponse> {
        Ok(v1::GetInfoResponse { origin: HOSTILE.to_owned(), durable_size: 10, ..Default::default() })
    }
    async fn checkpoint(&self) -> Answer<v1::GetCheckpointResponse> {
        Ok(v1::GetCheckpointResponse {
            checkpoint: format!("{HOSTILE}\n10\nroot\n\n— {HOSTILE} x\n"),
            ..Default::default()
        })
    }
    async fn validators(&self) -> Answer<v1::GetValidatorsResponse> {
        denied()
    }
    async fn peers(&self) -> Answer<v1::ListPeersResponse> {
        denied()
    }
    async fn members(&self, _: v1::ListMembersRequest) -> Answer<v1::ListMembersResponse> {
        denied()
    }
    async fn facilities(&self, _: v1::ListFacilitiesRequest) -> Answer<v1::ListFacilitiesResponse> {
        denied()
    }
    async fn attestations(&self, _: v1::ListAttestationsRequest) -> Answer<v1::ListAttestationsResponse> {
        denied()
    }
    async fn lot(&self, _: &str) -> Answer<v1::GetLotResponse> {
        denied()
    }
    async fn lots(&self, _: v1::ListLotsRequest) -> Answer<v1::ListLotsResponse> {
        let lot = v1::Lot {
            lot: format!("m/{HOSTILE}"),
            form: HOSTILE.to_owned(),
            custodian: HOSTILE.to_owned(),
            ..Default::default()
        };
        Ok(v1::ListLotsResponse { lots: vec![lot], next_page_token: HOSTILE.to_owned(), tree_size: 10 })
    }
    async fn search(&self, _: &str, _: usize) -> Answer<(Vec<v1::Lot>, bool)> {
        denied()
    }
    async fn history(&self, _: v1::HistoryRequest) -> Answer<v1::HistoryResponse> {
        denied()
    }
    async fn trace_back(&self, _: v1::TraceBackRequest) -> Answer<v1::TraceBackResponse> {
        denied()
    }
    async fn trace_forward(&self, _: v1::TraceForwardRequest) -> Answer<v1::TraceForwardResponse> {
        denied()
    }
    async fn attribute(&self, asked: v1::AttributeRequest) -> Answer<v1::AttributeResponse> {
        assert_eq!((asked.lot.as_str(), asked.as_of_tree_size), ("m/L", 7), "the link's lot and size");
        let one = v1::Share {
            value_e18: 1_000_000_000_000_000_000,
            lower_e18: 900_000_000_000_000_000,
            upper_e18: 1_000_000_000_000_000_000,
        };
        let origin = v1::Origin {
            kind: 1,
            source: format!("{HOSTILE}/{HOSTILE}"),
            country: HOSTILE.to_owned(),
            ..Default::default()
        };
        Ok(v1::AttributeResponse {
            tree_size: 7,
            contained_mg: 5_000_000,
            origins: vec![v1::OriginShare { origin: Some(origin), share: Some(one), mg: 5_000_000 }],
            methods: vec![HOSTILE.to_owned()],
            verified: Some(one),
            ..Default::default()
        })
    }
    async fn findings(&self, _: v1::FindingsRequest) -> Answer<v1::FindingsResponse> {
        denied()
    }
    async fn mass_balance(&self, _: v1::MassBalanceRequest) -> Answer<v1::MassBalanceResponse> {
        denied()
    }
    async fn circularity(&self, _: v1::CircularityRequest) -> Answer<v1::CircularityResponse> {
        denied()
    }
    async fn dependence(&self, _: v1::DependenceRequest) -> Answer<v1::DependenceResponse> {
        denied()
    }
    async fn custody(&self, _: v1::ChainOfCustodyRequest) -> Answer<v1::ChainOfCustodyResponse> {
        denied()
    }
    async fn origin_check(&self, _: v1::OriginCheckRequest) -> Answer<v1::OriginCheckResponse> {
        denied()
    }
    async fn entries(&self, _: u64, _: u64) -> Answer<Vec<Vec<u8>>> {
        denied()
    }
    async fn receipt(&self, _: &[u8; 32]) -> Answer<v1::Receipt> {
        denied()
    }
}

fn guest() -> Viewer {
    Viewer::Guest { lot: "m/L".to_owned(), tree_size: 7, link: "/share/token".to_owned() }
}

#[test]
fn a_share_link_opens_the_passport_of_its_lot_with_what_it_may_show() {
    let page = get(&Guarded, "/share/token?element=73", guest());
    let html = text(&page);
    assert_eq!(page.status, 200, "{html}");
    assert!(html.contains("Passport of m/L") && html.contains("5 kg"));
    assert!(html.contains("/share/token/bundle"), "and its proof");
    assert!(html.contains("https://node.example/share/token"), "the code opens the link itself");
    assert!(html.contains("not shown to whoever looks at this page"));
    // All that the link shows was followed to its origin; nothing else is green, for nothing else could be asked.
    assert!(html.contains("Every ancestor was followed"));
    assert_eq!(html.matches("<li class=\"good\">").count(), 1);
    assert!(!html.contains("<nav"), "no way to other pages");
    // Nine tenths are certain; the rest is not.
    assert!(html.contains("at least 90.00 %"));
}

#[test]
fn a_share_link_opens_no_other_page() {
    for address in [
        "/lots/m/L",
        "/lots/m/L/passport",
        "/lots/m/other/custody",
        "/findings",
        "/facilities",
        "/circularity",
    ] {
        let page = get(&Guarded, address, guest());
        assert!(matches!(page.status, 403 | 404), "{address}: {}", page.status);
    }
    assert_eq!(get(&Guarded, "/share/token", Viewer::Everybody).status, 404, "the address alone is no link");
}

#[test]
fn names_that_try_to_break_out_stay_text() {
    for (address, viewer) in [
        ("/share/token?element=73", guest()),
        ("/lots", Viewer::Everybody),
        ("/ledger", Viewer::Stranger),
        ("/session?refused=%3Cscript%3E", Viewer::Stranger),
        ("/lots?custodian=%22%3E%3Cscript%3E", Viewer::Everybody),
    ] {
        let page = get(&Guarded, address, viewer);
        let html = text(&page);
        assert_eq!(page.status, 200, "{address}: {html}");
        assert!(!html.contains("<script>") && !html.contains("alert(1)</script>"), "{address}");
        for tag in tags(&html) {
            assert!(tag.attributes.iter().all(|(name, _)| !name.starts_with("on")), "{address}: {tag:?}");
        }
    }
}

#[test]
fn the_way_in_says_what_a_node_says_of_a_token_and_nothing_that_a_link_brings() {
    let at = |why: &str, language: &str| {
        let why = why.replace(' ', "+").replace('\'', "%27");
        text(&get(&Guarded, &format!("/session?refused={why}&lang={language}"), Viewer::Stranger))
    };
    assert!(at("the token has expired", "en").contains("does not open a session: the token has expired"));
    assert!(at("the token has expired", "ja").contains("トークンの有効期限が切れています"));
    let key = "the token's key is not, or no longer, a key of member";
    assert!(at(&format!("{key} refiner-jp"), "en").contains("a key of member refiner-jp"));
    for brought in
        ["your key leaked: send it to evil.example", &format!("{key} x: send yours to evil.example")]
    {
        let html = at(brought, "en");
        assert!(
            html.contains("This token does not open a session.") && !html.contains("to evil.example"),
            "{html}"
        );
    }
}

#[test]
fn a_stranger_is_shown_the_way_in_and_nothing_else() {
    let html = text(&get(&Guarded, "/", Viewer::Stranger));
    assert!(html.contains("href=\"/session\""));
    assert!(!html.contains("class=\"asof\""), "no questions for those who may not ask");
    let page = get(&Guarded, "/session", Viewer::Stranger);
    let html = text(&page);
    assert!(html.contains("method=\"post\"") && html.contains("oreledger token"));
}
