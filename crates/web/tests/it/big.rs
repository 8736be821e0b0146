//! The first page of a lot with a thousand ancestors: how many bytes, and in what time.

use std::time::Instant;

use async_trait::async_trait;
use ore_record::v1::{MaterialClass, OriginKind, Process};
use ore_web::{Answer, Refused, Source, Viewer};
use ore_wire::v1;

use crate::page::{get, text};

/// Bytes that the first page of a lot with 1,000 ancestors may have.
const MOST_BYTES: usize = 300_000;
/// Milliseconds that it may take, in a program without optimisation on a busy machine; see the crate's README for
/// what was measured.
const MOST_MS: u128 = 1_000;
const ONE: u64 = 1_000_000_000_000_000_000;

/// A lot of `layers` steps, `wide` lots each, every lot made of three of the layer before.
pub(crate) struct Wide {
    layers: usize,
    wide: usize,
}

impl Wide {
    fn name(&self, layer: usize, at: usize) -> String {
        if layer == self.layers {
            "maker/END".to_owned()
        } else {
            format!("member-{}/L{layer}-{at}", at % 17)
        }
    }

    fn described(&self, layer: usize, at: usize) -> v1::Lot {
        let material = [
            MaterialClass::Ore,
            MaterialClass::Concentrate,
            MaterialClass::Intermediate,
            MaterialClass::Metal,
        ];
        v1::Lot {
            lot: self.name(layer, at),
            material: material[layer.min(3)].into(),
            form: "tantalum something".to_owned(),
            composition: vec![v1::ElementContent { element: 73, ppb: 500_000_000, ..Default::default() }],
            created_dry_mg: 1_000_000,
            remaining_dry_mg: 500_000,
            custodian: "maker".to_owned(),
            ..Default::default()
        }
    }

    fn share(&self, layer: usize) -> u64 {
        if layer == self.layers { ONE } else { ONE / self.wide as u64 }
    }

    fn trace(&self) -> v1::TraceBackResponse {
        let mut trace = v1::TraceBackResponse::default();
        for layer in 0..=self.layers {
            let wide = if layer == self.layers { 1 } else { self.wide };
            for at in 0..wide {
                trace.lots.push(v1::GraphLot {
                    lot: Some(self.described(layer, at)),
                    depth: (self.layers - layer) as u32,
                    created_mg: 500_000,
                    share_e18: self.share(layer),
                });
                if layer == 0 {
                    let origin = v1::Origin {
                        kind: OriginKind::Mine.into(),
                        source: format!("mine/{}", at % 12),
                        country: "AU".to_owned(),
                        ..Default::default()
                    };
                    trace.sources.push(v1::GraphSource {
                        lot: self.name(0, at),
                        origin: Some(origin),
                        ..Default::default()
                    });
                    continue;
                }
                let from: Vec<usize> = if layer == self.layers {
                    (0..self.wide).collect()
                } else {
                    (0..3).map(|i| (at * 7 + i * 31) % self.wide).collect()
                };
                let part = self.share(layer) / from.len() as u64;
                let input = |it: &usize| v1::GraphAmount {
                    lot: self.name(layer - 1, *it),
                    mg: 100,
                    dry_mg: 200,
                    share_e18: part,
                };
                let output =
                    v1::GraphAmount { lot: self.name(layer, at), mg: 300, dry_mg: 600, share_e18: 0 };
                trace.steps.push(v1::GraphStep {
                    process: Process::Refining.into(),
                    inputs: from.iter().map(input).collect(),
                    outputs: vec![output],
                    ..Default::default()
                });
            }
        }
        trace.summary =
            Some(v1::TraceSummary { lots: trace.lots.len() as u32, element: 73, ..Default::default() });
        trace
    }
}

fn none<T>() -> Answer<T> {
    Err(Refused::NotFound("not part of this test".to_owned()))
}

#[async_trait]
impl Source for Wide {
    async fn info(&self) -> Answer<v1::GetInfoResponse> {
        Ok(v1::GetInfoResponse { durable_size: 2_000, ..Default::default() })
    }
    async fn lot(&self, _: &str) -> Answer<v1::GetLotResponse> {
        Ok(v1::GetLotResponse { lot: Some(self.described(self.layers, 0)), tree_size: 2_000 })
    }
    async fn history(&self, _: v1::HistoryRequest) -> Answer<v1::HistoryResponse> {
        Ok(v1::HistoryResponse::default())
    }
    async fn trace_back(&self, _: v1::TraceBackRequest) -> Answer<v1::TraceBackResponse> {
        Ok(self.trace())
    }
    async fn attribute(&self, _: v1::AttributeRequest) -> Answer<v1::AttributeResponse> {
        let row = |at: usize| {
            let origin = v1::Origin {
                kind: OriginKind::Mine.into(),
                source: format!("mine/{at}"),
                country: "AU".to_owned(),
                ..Default::default()
            };
            let value = ONE / 12;
            let share = v1::Share { value_e18: value, lower_e18: value / 2, upper_e18: value };
            v1::OriginShare { origin: Some(origin), share: Some(share), mg: 1 }
        };
        Ok(v1::AttributeResponse {
            origins: (0..12).map(row).collect(),
            ancestors: 1_000,
            ..Default::default()
        })
    }
    async fn checkpoint(&self) -> Answer<v1::GetCheckpointResponse> {
        none()
    }
    async fn validators(&self) -> Answer<v1::GetValidatorsResponse> {
        none()
    }
    async fn peers(&self) -> Answer<v1::ListPeersResponse> {
        none()
    }
    async fn members(&self, _: v1::ListMembersRequest) -> Answer<v1::ListMembersResponse> {
        none()
    }
    async fn facilities(&self, _: v1::ListFacilitiesRequest) -> Answer<v1::ListFacilitiesResponse> {
        none()
    }
    async fn attestations(&self, _: v1::ListAttestationsRequest) -> Answer<v1::ListAttestationsResponse> {
        none()
    }
    async fn lots(&self, _: v1::ListLotsRequest) -> Answer<v1::ListLotsResponse> {
        none()
    }
    async fn search(&self, _: &str, _: usize) -> Answer<(Vec<v1::Lot>, bool)> {
        none()
    }
    async fn trace_forward(&self, _: v1::TraceForwardRequest) -> Answer<v1::TraceForwardResponse> {
        none()
    }
    async fn findings(&self, _: v1::FindingsRequest) -> Answer<v1::FindingsResponse> {
        none()
    }
    async fn mass_balance(&self, _: v1::MassBalanceRequest) -> Answer<v1::MassBalanceResponse> {
        none()
    }
    async fn circularity(&self, _: v1::CircularityRequest) -> Answer<v1::CircularityResponse> {
        none()
    }
    async fn dependence(&self, _: v1::DependenceRequest) -> Answer<v1::DependenceResponse> {
        none()
    }
    async fn custody(&self, _: v1::ChainOfCustodyRequest) -> Answer<v1::ChainOfCustodyResponse> {
        none()
    }
    async fn origin_check(&self, _: v1::OriginCheckRequest) -> Answer<v1::OriginCheckResponse> {
        Err(Refused::Broken(String::new()))
    }
    async fn entries(&self, _: u64, _: u64) -> Answer<Vec<Vec<u8>>> {
        none()
    }
    async fn receipt(&self, _: &[u8; 32]) -> Answer<v1::Receipt> {
        none()
    }
}

/// Prints bytes and the median time of nine pages; returns bytes and the shortest time.
fn measure(source: &Wide, said: &str) -> (String, u128) {
    let mut times = Vec::new();
    let mut html = String::new();
    for _ in 0..9 {
        let begin = Instant::now();
        let page = get(source, "/lots/maker/END", Viewer::Everybody);
        times.push(begin.elapsed());
        assert_eq!(page.status, 200);
        html = text(&page);
    }
    times.sort_unstable();
    println!("{said}: {} bytes, median {:.1} ms of 9", html.len(), times[4].as_secs_f64() * 1e3);
    (html, times[0].as_millis())
}

#[test]
fn a_thousand_ancestors_are_folded_into_a_page_that_is_small_and_quick() {
    let (html, least_ms) = measure(&Wide { layers: 5, wide: 200 }, "1,000 ancestors, folded");
    assert!(html.contains("1,001 lots are too many to draw one by one"));
    assert!(html.len() <= MOST_BYTES, "{} bytes", html.len());
    assert!(least_ms <= MOST_MS, "{least_ms} ms");
    assert!(html.contains("100 of 1,001 rows"), "the table says that it is cut");
}

#[test]
fn almost_five_hundred_lots_are_drawn_one_by_one_and_fit_too() {
    let (html, least_ms) = measure(&Wide { layers: 7, wide: 71 }, "497 ancestors, each drawn");
    assert!(!html.contains("too many to draw"));
    assert!(html.matches("ink ring").count() >= 490);
    assert!(html.len() <= MOST_BYTES, "{} bytes", html.len());
    assert!(least_ms <= MOST_MS, "{least_ms} ms");
}
