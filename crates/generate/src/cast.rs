//! Who takes part, where, and under which profile.

use ore_record::v1::{self, FacilityKind, Role};

/// A member of the story.
#[derive(Clone, Debug)]
pub struct MemberOf {
    /// Slug.
    pub id: String,
    /// What it may do.
    pub roles: Vec<Role>,
}

/// A facility of the story.
#[derive(Clone, Debug)]
pub struct FacilityOf {
    /// Member.
    pub owner: String,
    /// As it is registered.
    pub facility: v1::Facility,
}

/// Everybody and every place.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Members, the founder first.
    pub members: Vec<MemberOf>,
    /// Facilities.
    pub facilities: Vec<FacilityOf>,
}

/// Countries of the mines, with a place in each, in degrees times ten million, and a box around it.
pub(crate) const MINES: &[(&str, i32, i32, &str)] = &[
    ("AU", -260_000_000, 1_210_000_000, "AU:-44,112,-10,154"),
    ("BR", -200_000_000, -450_000_000, "BR:-34,-74,6,-34"),
    ("CA", 500_000_000, -850_000_000, "CA:41,-141,84,-52"),
    ("RW", -20_000_000, 300_000_000, "RW:-2.9,28.8,-1,30.9"),
    ("NG", 90_000_000, 80_000_000, "NG:4,2.6,14,14.7"),
];
pub(crate) const MINES_EACH: usize = 4;
pub(crate) const REFINERS: usize = 4;
pub(crate) const MAKERS: usize = 3;
pub(crate) const FABS: usize = 4;
pub(crate) const RECYCLERS: usize = 2;

pub(crate) fn mine(number: usize) -> (String, String, &'static str) {
    let country = MINES[number % MINES.len()].0;
    let id = format!("mine-{}-{}", country.to_lowercase(), number / MINES.len() + 1);
    let place = format!("{id}/pit");
    (id, place, country)
}

pub(crate) fn works(kind: &str, number: usize) -> (String, String) {
    let id = format!("{kind}-{}", number + 1);
    let place = format!("{id}/works");
    (id, place)
}

/// Everybody and every place.
#[must_use]
pub fn cast() -> Cast {
    let mut cast = Cast { members: Vec::new(), facilities: Vec::new() };
    cast.member("authority", &[Role::Authority]);
    cast.member("certifier", &[Role::Certifier]);
    cast.member("laboratory", &[Role::Laboratory]);
    for number in 0..MINES.len() * MINES_EACH {
        let (id, place, country) = mine(number);
        let (_, latitude, longitude, _) = MINES[number % MINES.len()];
        cast.member(&id, &[Role::Miner]);
        cast.place(&id, &place, FacilityKind::Mine, country, (latitude, longitude));
    }
    type Row = (&'static str, usize, &'static [Role], FacilityKind, &'static str, (i32, i32));
    let rows: [Row; 4] = [
        ("refiner", REFINERS, &[Role::Refiner], FacilityKind::Refinery, "EE", (594_000_000, 277_000_000)),
        (
            "maker",
            MAKERS,
            &[Role::Manufacturer],
            FacilityKind::TargetPlant,
            "JP",
            (357_000_000, 1_397_000_000),
        ),
        ("fab", FABS, &[Role::Manufacturer], FacilityKind::Fab, "DE", (510_000_000, 137_000_000)),
        ("recycler", RECYCLERS, &[Role::Recycler], FacilityKind::Recycler, "BE", (511_000_000, 43_000_000)),
    ];
    for (kind, number, roles, of, country, at) in rows {
        for number in 0..number {
            let (id, place) = works(kind, number);
            cast.member(&id, roles);
            cast.place(&id, &place, of, country, at);
        }
    }
    crate::violations::cast(&mut cast);
    cast
}

impl Cast {
    pub(crate) fn member(&mut self, id: &str, roles: &[Role]) {
        self.members.push(MemberOf { id: id.to_owned(), roles: roles.to_vec() });
    }

    pub(crate) fn place(
        &mut self,
        owner: &str,
        id: &str,
        kind: FacilityKind,
        country: &str,
        (latitude_e7, longitude_e7): (i32, i32),
    ) -> &mut v1::Facility {
        let mine = kind == FacilityKind::Mine;
        self.facilities.push(FacilityOf {
            owner: owner.to_owned(),
            facility: v1::Facility {
                id: id.to_owned(),
                name: id.to_owned(),
                kind: kind.into(),
                latitude_e7,
                longitude_e7,
                country: country.to_owned(),
                minerals: if mine { vec!["tantalite".to_owned()] } else { Vec::new() },
                ..v1::Facility::default()
            },
        });
        &mut self.facilities.last_mut().expect("just pushed").facility
    }
}

/// The profile of the story: every list that a rule looks for.
#[must_use]
pub fn profile() -> v1::Profile {
    let list = |name: &str, values: Vec<String>| v1::ProfileList {
        name: name.to_owned(),
        source: "made up".to_owned(),
        values,
        ..v1::ProfileList::default()
    };
    let text = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let mut producers = text(&MINES.iter().map(|mine| mine.0).collect::<Vec<_>>());
    producers.extend(text(&["SS", "AF"]));
    let mut boxes = text(&MINES.iter().map(|mine| mine.3).collect::<Vec<_>>());
    boxes.extend(text(&["EE:57,21,60,29", "JP:24,122,46,146", "DE:47,5,56,16", "BE:49,2,52,7"]));
    let mut conformant: Vec<String> = (0..REFINERS).map(|number| works("refiner", number).1).collect();
    conformant.extend(text(crate::violations::CONFORMANT));
    v1::Profile {
        version: 1,
        name: "made-up story".to_owned(),
        approvals_needed: 2,
        clock_tolerance_ms: 300_000,
        offer_lifetime_ms: 60 * 86_400_000,
        // Above the balance tolerance, so that a gain can enter and be found.
        metal_gain_limit_ppm: 100_000,
        balance_tolerance_ppm: vec![20_000],
        hs_table: "HS2022".to_owned(),
        lists: vec![
            list("cahra", text(&["SS"])),
            list("sanctions", text(&["outlaw"])),
            list("producers:tantalite", producers),
            list("country-boxes", boxes),
            list("conformant-smelters", conformant),
            list("prices", text(&["Ta:250", "Nb:60"])),
        ],
        thresholds: None,
    }
}
