//! Status of a lot: held, released, called back, gone.

use alloc::format;

use ore_record::v1::{Dispose, DisposeKind, Hold, Recall, Release};

use crate::{
    desk::{Desk, Touched},
    effect::{Effect, MassChange},
    lot::NONE,
    rejection::{About, Reason, Rule, Verdict, refuse},
    roles,
    rules::{quantities, transform, values},
};

pub(crate) fn hold(desk: &mut Desk<'_>, event: &Hold) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let mut touched = desk.touch(event.lot.as_ref())?;
    if touched.lot.standing.owner != desk.author && !desk.roles.any(roles::MAY_HOLD) {
        desk.must_hold(&touched, "put a hold on")?;
    }
    if touched.next.held_by != NONE {
        return Err(already(desk, &touched, "on hold", touched.next.held_by));
    }
    touched.next.held_by = desk.author;
    desk.put(&touched);
    Ok(())
}

pub(crate) fn recall(desk: &mut Desk<'_>, event: &Recall) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let mut touched = desk.touch(event.lot.as_ref())?;
    let lot = &touched.lot;
    let concerned = lot.passport.author == desk.author || lot.standing.owner == desk.author;
    if !concerned && !desk.roles.any(roles::MAY_RECALL) {
        desk.must_hold(&touched, "recall")?;
    }
    if touched.next.recalled_by != NONE {
        return Err(already(desk, &touched, "called back", touched.next.recalled_by));
    }
    touched.next.recalled_by = desk.author;
    desk.effects.push(Effect::Recalled { lot: touched.ordinal, descendants: event.descendants });
    desk.put(&touched);
    Ok(())
}

fn already(desk: &Desk<'_>, touched: &Touched, what: &str, by: u32) -> alloc::boxed::Box<crate::Rejection> {
    refuse(
        Rule::A4,
        Reason::LotNotActive,
        format!("lot {} is {what} already, by {}", touched.lot.id(), desk.state.member_id(by)),
        "nothing: it stays so until it is released",
    )
    .lot(touched.lot.id())
}

/// Ends what the author has put on the lot; an authority ends what others have.
pub(crate) fn release(desk: &mut Desk<'_>, event: &Release) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let mut touched = desk.touch(event.lot.as_ref())?;
    let any = desk.roles.any(roles::MAY_RELEASE);
    let before = touched.next;
    let ends = |by: u32| by != NONE && (any || by == desk.author);
    if ends(before.held_by) {
        touched.next.held_by = NONE;
    }
    if ends(before.recalled_by) {
        touched.next.recalled_by = NONE;
    }
    if touched.next == before {
        let id = touched.lot.id();
        let by = if before.held_by == NONE { before.recalled_by } else { before.held_by };
        return Err(if by == NONE {
            refuse(
                Rule::A4,
                Reason::LotNotActive,
                format!("lot {id} is neither on hold nor called back"),
                "nothing: it is free",
            )
        } else {
            let by = desk.state.member_id(by);
            refuse(
                Rule::A4,
                Reason::NotAuthor,
                format!("{by} put this on lot {id}, and only {by} or an authority may end it"),
                format!("ask {by} to release it"),
            )
        }
        .lot(id));
    }
    desk.effects.push(Effect::Released { lot: touched.ordinal });
    desk.put(&touched);
    Ok(())
}

/// A lot, or a part of it, leaves the system. What was called back may be destroyed.
pub(crate) fn dispose(desk: &mut Desk<'_>, event: &Dispose) -> Verdict<()> {
    values::stated::<DisposeKind>("how it left", event.kind)?;
    values::text("the reason", &event.reason, 256)?;
    let mut touched = desk.touch(event.lot.as_ref())?;
    desk.must_hold(&touched, "dispose of")?;
    if touched.next.recalled_by == NONE || touched.next.offer != NONE {
        desk.must_be_free(&touched, "be disposed of")?;
    }
    transform::check_time(desk, &touched.lot)?;
    let dry_mg = quantities::dry_mg(event.mass.as_ref(), "what leaves")?;
    if dry_mg > touched.next.remaining_mg {
        return Err(transform::not_enough(&touched.lot, dry_mg, "disposed of"));
    }
    touched.next.remaining_mg -= dry_mg;
    touched.next.disposed_mg += dry_mg;
    desk.effects.push(Effect::Mass {
        lot: touched.ordinal,
        remaining_mg: touched.next.remaining_mg,
        why: MassChange::Disposed,
    });
    desk.put(&touched);
    Ok(())
}
