//! The story that `oreledger demo` tells: tantalum from five countries through four generations of targets.
//!
//! The mine sites are real places from an open data set; every organisation and every event is
//! invented, and says nothing about any company. Nothing here touches a network or a file.

pub(crate) mod cast;
mod governance;
mod mining;
pub(crate) mod places;
pub(crate) mod play;
mod refining;
mod targets;
pub(crate) mod teller;
mod trade;

use crate::post::item::Item;
use teller::Teller;

/// The story begins on 2023-01-09.
pub(crate) const BEGIN_MS: u64 = 1_673_222_400_000;

/// The target whose origin the demo shows.
pub(crate) const SUBJECT: &str = "target-maker-jp/TGT-301";

/// One part of the story.
pub(crate) struct Chapter {
    pub(crate) title: &'static str,
    pub(crate) items: Vec<Item>,
}

/// Everything after the genesis block, in order. `newcomer` makes a member's admission, because
/// only its own key can prove possession.
pub(crate) fn tell(admission: impl Fn(&cast::Actor) -> ore_record::v1::AdmitMember) -> Vec<Chapter> {
    let mut teller = Teller::new(BEGIN_MS);
    let mut ends = Vec::new();
    governance::tell(&mut teller, admission);
    ends.push(("members, sites and permits", teller.told()));
    mining::tell(&mut teller);
    ends.push(("from rock to concentrate", teller.told()));
    trade::tell(&mut teller);
    ends.push(("trade, and what goes wrong in it", teller.told()));
    refining::tell(&mut teller);
    ends.push(("two refineries, slag and niobium", teller.told()));
    for generation in 0..4 {
        targets::tell(&mut teller, generation);
    }
    ends.push(("four generations of targets", teller.told()));
    let mut items = teller.finish().into_iter();
    let mut from = 0;
    let mut chapters = Vec::new();
    for (title, end) in ends {
        chapters.push(Chapter { title, items: items.by_ref().take(end - from).collect() });
        from = end;
    }
    chapters
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use ore_record::v1::{AdmitMember, Member, record::Event};

    fn told() -> Vec<Item> {
        let admission = |actor: &cast::Actor| AdmitMember {
            member: Some(Member { id: actor.id.to_owned(), ..Member::default() }),
            key: None,
        };
        tell(admission).into_iter().flat_map(|chapter| chapter.items).collect()
    }

    /// The teller itself panics when a step makes metal, takes what is not there, or holds what it does not own.
    #[test]
    fn the_story_is_long_wide_and_never_makes_metal() {
        let items = told();
        let custody = items.iter().filter(|item| {
            !matches!(
                item.record.event,
                Some(
                    Event::AdmitMember(_)
                        | Event::Approve(_)
                        | Event::RegisterFacility(_)
                        | Event::Attest(_)
                        | Event::ChangeAttestation(_)
                )
            )
        });
        let custody: Vec<&Item> = custody.collect();
        assert!(custody.len() >= 150, "{} custody records", custody.len());
        let authors: BTreeSet<&str> = custody.iter().map(|item| item.record.author.as_str()).collect();
        assert!(authors.len() >= 12, "{authors:?}");
    }

    #[test]
    fn it_has_every_turn_that_was_promised() {
        let items = told();
        let count = |wanted: fn(&Event) -> bool| {
            items.iter().filter_map(|item| item.record.event.as_ref()).filter(|event| wanted(event)).count()
        };
        assert_eq!(count(|event| matches!(event, Event::Decline(_))), 1);
        assert_eq!(count(|event| matches!(event, Event::CancelShipment(_))), 1);
        assert_eq!(count(|event| matches!(event, Event::Withdraw(_))), 1);
        assert!(
            items.iter().any(|item| item
                .links
                .iter()
                .any(|(field, _)| *field == crate::post::item::IdField::Corrects))
        );
        assert!(
            count(|event| matches!(event, Event::Commission(it) if it.kind == 3)) == 1,
            "one lot of unknown origin"
        );
        assert!(count(|event| matches!(event, Event::Use(_))) >= 12);
        assert!(items.iter().map(|item| item.record.event_time_ms).is_sorted(), "time only passes");
        assert!(
            items.last().expect("not empty").record.event_time_ms < 1_790_000_000_000,
            "it ended before 2026-09-21"
        );
    }
}
