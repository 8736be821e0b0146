//! The way that a weight has passed: what decides an origin's route and generation.

use crate::graph::StepClass;
use crate::types::Route;

/// How many recyclings a weight has passed on its way from the asked lot, and what the first of them, which is the
/// nearest to the lot, makes its route.
///
/// The number stands above the route, so that weights in order of what they passed stay in order, and none becomes
/// like another, when all pass one recycling more; up to a thousand million of them, which is more than any walk meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Passed(u32);

const ROUTE_BITS: u32 = 2;
const ROUTE: u32 = (1 << ROUTE_BITS) - 1;
const MOST: u32 = u32::MAX >> ROUTE_BITS;

impl Passed {
    /// The way after a step of that kind was passed too.
    #[inline]
    pub(super) fn after(self, class: StepClass) -> Self {
        let Some(route) = class.recycled_as() else { return self };
        let recyclings = (self.recyclings() + 1).min(MOST);
        let route = match self.0 & ROUTE {
            0 => code(route),
            decided => decided,
        };
        Self(recyclings << ROUTE_BITS | route)
    }

    /// What a recycling on the way has made the route; nothing where there was none.
    #[inline]
    pub(crate) fn route(self) -> Option<Route> {
        match self.0 & ROUTE {
            1 => Some(Route::Primary),
            2 => Some(Route::PreConsumer),
            3 => Some(Route::PostConsumer),
            _ => None,
        }
    }

    /// How many recyclings; 65,535 stands for any number beyond.
    #[inline]
    pub(crate) fn generations(self) -> u16 {
        u16::try_from(self.recyclings()).unwrap_or(u16::MAX)
    }

    #[inline]
    const fn recyclings(self) -> u32 {
        self.0 >> ROUTE_BITS
    }
}

#[inline]
const fn code(route: Route) -> u32 {
    match route {
        Route::Primary => 1,
        Route::PreConsumer => 2,
        Route::PostConsumer => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_recycling_decides_the_route_and_each_counts() {
        let none = Passed::default();
        assert_eq!((none.route(), none.generations()), (None, 0));
        assert_eq!(none.after(StepClass::Transform), none);
        assert_eq!(none.after(StepClass::RunAround), none);
        let once = none.after(StepClass::RecyclePost);
        assert_eq!((once.route(), once.generations()), (Some(Route::PostConsumer), 1));
        let twice = once.after(StepClass::Split).after(StepClass::RecyclePre);
        assert_eq!((twice.route(), twice.generations()), (Some(Route::PostConsumer), 2));
    }

    #[test]
    fn order_stays_when_all_pass_one_more_and_none_becomes_like_another() {
        let mut ways = [Passed::default()].to_vec();
        for first in [StepClass::RecyclePre, StepClass::RecyclePost] {
            let mut way = Passed::default().after(first);
            for _ in 0..10 {
                ways.push(way);
                way = way.after(StepClass::RecyclePre);
            }
        }
        ways.sort_unstable();
        for class in [StepClass::RecyclePre, StepClass::RecyclePost] {
            let after: alloc::vec::Vec<Passed> = ways.iter().map(|way| way.after(class)).collect();
            assert!(after.is_sorted_by(|left, right| left < right), "{after:?}");
        }
    }

    #[test]
    fn generations_beyond_what_an_origin_can_say_are_said_as_the_most() {
        let mut way = Passed::default();
        for _ in 0..70_000 {
            way = way.after(StepClass::RecyclePre);
        }
        assert_eq!((way.route(), way.generations()), (Some(Route::PreConsumer), u16::MAX));
    }
}
