//! Colours of origins: the same in every picture of a page.

use ore_record::v1::OriginKind;
use ore_wire::v1::{AttributeResponse, Origin};

use crate::words::Words;

/// Colours that have a name of their own; what is beyond, and what is unknown, is grey.
const COLOURS: usize = 8;
/// The grey.
pub(crate) const GREY: usize = 8;

/// One place of origin, over all routes and generations.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) kind: OriginKind,
    pub(crate) colour: usize,
    pub(crate) share_e18: u64,
    pub(crate) lower_e18: u64,
    pub(crate) upper_e18: u64,
    pub(crate) mg: u64,
}

/// Places of origin, the largest share first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(pub(crate) Vec<Place>);

impl Origins {
    /// Of an attribution.
    pub(crate) fn of(answer: &AttributeResponse) -> Self {
        let mut places: Vec<Place> = Vec::new();
        for row in &answer.origins {
            let (Some(origin), Some(share)) = (&row.origin, &row.share) else { continue };
            let known = places.iter_mut().find(|it| it.name == origin.source && it.kind == origin.kind());
            let place = match known {
                Some(place) => place,
                None => {
                    places.push(Place {
                        name: origin.source.clone(),
                        country: origin.country.clone(),
                        kind: origin.kind(),
                        colour: GREY,
                        share_e18: 0,
                        lower_e18: 0,
                        upper_e18: 0,
                        mg: 0,
                    });
                    places.last_mut().expect("pushed a moment ago")
                }
            };
            place.share_e18 = place.share_e18.saturating_add(share.value_e18);
            place.lower_e18 = place.lower_e18.saturating_add(share.lower_e18);
            place.upper_e18 = place.upper_e18.saturating_add(share.upper_e18);
            place.mg = place.mg.saturating_add(row.mg);
        }
        const ONE: u64 = 1_000_000_000_000_000_000;
        for place in &mut places {
            place.upper_e18 = place.upper_e18.min(ONE);
        }
        places.sort_by(|a, b| b.share_e18.cmp(&a.share_e18).then(a.name.cmp(&b.name)));
        let known = places.iter_mut().filter(|place| place.kind != OriginKind::DeclaredUnknown);
        for (colour, place) in known.take(COLOURS).enumerate() {
            place.colour = colour;
        }
        Self(places)
    }

    /// The colour of an origin.
    pub(crate) fn colour(&self, origin: &Origin) -> usize {
        let found = self.0.iter().find(|place| place.name == origin.source && place.kind == origin.kind());
        found.map_or(GREY, |place| place.colour)
    }
}

/// What people call a place of origin.
pub(crate) fn place_name(t: &Words, kind: OriginKind, source: &str) -> String {
    match kind {
        OriginKind::DeclaredUnknown => t.origin_unknown.to_owned(),
        _ if source.is_empty() => t.unknown.to_owned(),
        _ => source.to_owned(),
    }
}
