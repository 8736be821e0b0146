//! Files that were altered: by chance, on purpose, and altogether.

use base64ct::{Base64, Encoding};
use ore_merkle::TreeSize;
use ore_record::{
    SignedRecord, draft,
    v1::{self, Bundle},
};
use ore_tests::ledger::{Ledger, key_of, mined, new_lot, story, transform};
use ore_verify::{build::BundleSource, multiproof};
use prost::Message;

use crate::fields::mutated;

/// Tantalum.
pub(crate) const TA: u8 = 73;

/// A file under a name that says how it was altered.
type Named = (String, Vec<u8>);

/// A small random source, the same in every run (xorshift).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// `count` copies, each with one bit flipped, one in every `count`th part of the file.
pub(crate) fn flips(name: &str, file: &[u8], count: usize, seed: u64) -> Vec<Named> {
    let mut dice = Dice::new(seed);
    let part = file.len() / count;
    let flip = |at: usize| {
        let (byte, bit) = (at * part + dice.below(part.max(1)), dice.below(8));
        let mut bent = file.to_vec();
        bent[byte] ^= 1 << bit;
        (format!("{name}, bit {bit} of byte {byte}"), bent)
    };
    (0..count).map(flip).collect()
}

/// Receipts of each entry of a ledger: lines left out, doubled, moved, ended otherwise, and records that are bent.
pub(crate) fn receipts(dice: &mut Dice, ledger: &Ledger, count: usize) -> Vec<Named> {
    let one = |at: usize| {
        let leaf = dice.below(ledger.entries().len());
        let file = ledger.receipt_file(leaf as u64);
        let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
        let (place, other) = (dice.below(lines.len()), dice.below(lines.len()));
        match dice.below(6) {
            0 => drop(lines.remove(place)),
            1 => lines.insert(place, lines[other].clone()),
            2 => lines.swap(place, other),
            3 => lines[place].push([' ', '\r', '=', '\u{feff}', '\u{85}'][dice.below(5)]),
            4 => {
                let entry = mutated(dice, &ledger.entries()[leaf]);
                lines[1] = format!("extra {}", Base64::encode_string(&entry));
            }
            _ => lines[2] = format!("index {}", dice.below(ledger.entries().len())),
        }
        let end = ["\n", "\n", "\n", "", "\r\n", "\n\n"][dice.below(6)];
        (format!("receipt {at}"), (lines.join("\n") + end).into_bytes())
    };
    (0..count).map(one).collect()
}

/// Noise of all lengths, some of it with the beginning of a real file.
pub(crate) fn noise(count: usize) -> Vec<Named> {
    let mut dice = Dice(0x0dd_ba11);
    let good = story().bundle_file("maker/T2", TA);
    let one = |at: usize| {
        let mut file = match at % 3 {
            0 => Vec::new(),
            1 => good[..dice.below(good.len())].to_vec(),
            _ => format!("{}\n", ore_checkpoint::PROOF_HEADER).into_bytes(),
        };
        let length = dice.below(200);
        file.extend((0..length).map(|_| dice.below(256) as u8));
        (format!("noise {at}"), file)
    };
    (0..count).map(one).collect()
}

/// A good bundle whose past has a recalled lot.
pub(crate) fn recalled() -> Vec<u8> {
    let mut ledger = story();
    let recall = v1::Recall { lot: Some(draft::lot("refiner/P1")), descendants: true, reason: "test".into() };
    ledger.must("refiner", recall);
    ledger.seal();
    ledger.bundle_file("maker/T2", TA)
}

/// One bundle for each way of bending one that the tests of the first verifier know, and good ones.
pub(crate) fn on_purpose() -> Vec<Named> {
    let ledger = story();
    let good = ledger.bundle_of(ledger.claim("maker/T2", TA));
    let mut files: Vec<Named> = vec![
        ("good".into(), good.encode_to_vec()),
        ("another element".into(), ledger.bundle_file("refiner/N1", 41)),
        ("an assay and an oxide".into(), assayed()),
        ("collected scrap".into(), scrap()),
        ("recalled".into(), recalled()),
    ];
    files.extend(with_claims(&ledger));
    files.extend(with_parts(&ledger, &good));
    files.extend(with_entries(&ledger, &good));
    files
}

fn with_claims(ledger: &Ledger) -> Vec<Named> {
    let bend = |name: &str, change: &dyn Fn(&mut v1::ProvenanceClaim)| {
        let mut claim = ledger.claim("maker/T2", TA);
        change(&mut claim);
        (name.to_owned(), ledger.bundle_of(claim).encode_to_vec())
    };
    vec![
        bend("a share moved", &|claim| {
            claim.shares[0].value -= 10_000_000;
            claim.shares[0].lower = 0;
            claim.shares[1].value += 10_000_000;
            claim.shares[1].upper = 1_000_000_000_000_000_000;
        }),
        bend("a share moved by less than counts", &|claim| {
            claim.shares[0].value -= 1_000;
            claim.shares[0].lower = 0;
            claim.shares[1].value += 1_000;
            claim.shares[1].upper = 1_000_000_000_000_000_000;
        }),
        bend("not one whole", &|claim| claim.shares[0].value -= 1),
        bend("outside the interval", &|claim| claim.shares[0].lower += 2),
        bend("another country", &|claim| claim.shares[0].country = "AU".into()),
        bend("an origin twice", &|claim| {
            let mut again = claim.shares[0].clone();
            again.value = 0;
            again.lower = 0;
            claim.shares.push(again);
        }),
        bend("another ledger", &|claim| claim.origin = "other.example/ta".into()),
        bend("another element", &|claim| claim.element = 50),
    ]
}

fn with_parts(ledger: &Ledger, good: &Bundle) -> Vec<Named> {
    let bend = |name: &str, change: &dyn Fn(&mut Bundle)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        (name.to_owned(), bundle.encode_to_vec())
    };
    let mut longer = good.encode_to_vec();
    longer.extend([0xfa, 0x01, 0x01, 0x00]);
    let mut later = story();
    later.must("mine-a", mined("mine-a/A9", "mine-a/pit", "RW", "1 kg", &[("Ta", "30 %")]));
    later.seal();
    let mut files = vec![
        ("trailing bytes".to_owned(), longer),
        bend("no claim", &|bundle| bundle.claim = None),
        bend("no entries", &|bundle| bundle.entries.clear()),
        bend("another checkpoint", &|bundle| bundle.checkpoint = later.checkpoint()),
        bend("no checkpoint", &|bundle| bundle.checkpoint.clear()),
        bend("a widened interval", &|bundle| bundle.claim.as_mut().expect("a claim").shares[0].lower -= 1),
        bend("another head root", &|bundle| bundle.head_root[0] ^= 1),
        bend("a short head root", &|bundle| {
            bundle.head_root.pop();
        }),
        bend("another state", &|bundle| change_state(bundle, 0, &|state| state.remaining_mg += 1)),
        bend("a lot less", &|bundle| {
            bundle.lots.pop();
        }),
        bend("an author less", &|bundle| {
            bundle.roster.pop();
        }),
        bend("a roster of another size", &|bundle| bundle.roster_size += 1),
        bend("a short hash in a proof", &|bundle| {
            bundle.tree_proof[0].pop();
        }),
        bend("a hash too many", &|bundle| bundle.head_proof.push(vec![0; 32])),
    ];
    let mut stale = ledger.bundle_of(ledger.claim("maker/T2", TA));
    stale.checkpoint = later.checkpoint();
    stale.claim.as_mut().expect("a claim").tree_size = later.size();
    files.push(("a claim and a checkpoint of a later log".into(), stale.encode_to_vec()));
    let mut sealless = later.bundle_of(later.claim("maker/T2", TA));
    sealless.entries.pop();
    files.push(("no seal".into(), sealless.encode_to_vec()));
    files
}

fn change_state(bundle: &mut Bundle, at: usize, change: &dyn Fn(&mut v1::LotState)) {
    let leaf = &mut bundle.lots[at];
    let mut state = v1::LotState::decode(leaf.leaf.as_slice()).expect("ours");
    change(&mut state);
    leaf.leaf = state.encode_to_vec();
}

fn with_entries(ledger: &Ledger, good: &Bundle) -> Vec<Named> {
    let mut files = Vec::new();
    for at in 0..good.entries.len() - 1 {
        let mut bundle = good.clone();
        bundle.entries.remove(at);
        prove_again(ledger, &mut bundle);
        files.push((format!("entry {at} left out, proven again"), bundle.encode_to_vec()));
    }
    let mut stray = good.clone();
    let have: Vec<u64> = good.entries.iter().map(|entry| entry.leaf_index).collect();
    let leaf_index = (0..ledger.size()).find(|leaf| !have.contains(leaf)).expect("not all are on the trail");
    let entry = ledger.entries()[leaf_index as usize].clone();
    stray.entries.insert(0, v1::BundleEntry { leaf_index, entry });
    stray.entries.sort_by_key(|entry| entry.leaf_index);
    prove_again(ledger, &mut stray);
    files.push(("a record that nothing asks for".into(), stray.encode_to_vec()));

    let mut swapped = good.clone();
    let (a, b) = (swapped.entries[0].leaf_index, swapped.entries[1].leaf_index);
    (swapped.entries[0].leaf_index, swapped.entries[1].leaf_index) = (b, a);
    files.push(("two entries swapped".into(), swapped.encode_to_vec()));

    let signed = SignedRecord::decode(&good.entries[0].entry).expect("ours");
    let mut forged = signed.record().clone();
    forged.note = "forged".into();
    let forged = SignedRecord::sign(forged, &key_of("thief")).expect("short").entry();
    let mut bundle = good.clone();
    bundle.entries[0].entry = forged;
    files.push(("a forged record".into(), bundle.encode_to_vec()));

    let mut unsigned = v1::SignedRecord::decode(good.entries[1].entry.as_slice()).expect("ours");
    unsigned.signature[40] ^= 1;
    let mut bundle = good.clone();
    bundle.entries[1].entry = unsigned.encode_to_vec();
    files.push(("a bad signature".into(), bundle.encode_to_vec()));
    unsigned.signature.pop();
    bundle.entries[1].entry = unsigned.encode_to_vec();
    files.push(("a short signature".into(), bundle.encode_to_vec()));

    let mut robbed = good.clone();
    let (head_size, head_root) = ledger.head_tree();
    robbed.roster_size = head_size;
    robbed.roster_root = head_root.to_vec();
    files.push(("the head tree for the roster".into(), robbed.encode_to_vec()));
    files
}

/// Replaces the log's proof by a good one for the entries that are there.
fn prove_again(ledger: &Ledger, bundle: &mut Bundle) {
    let leaves: Vec<u64> = bundle.entries.iter().map(|entry| entry.leaf_index).collect();
    let size = TreeSize::new(ledger.size());
    let proof = multiproof::prove(size, &leaves, |level, index| ledger.log_node(level, index));
    bundle.tree_proof = proof.expect("stored").iter().map(|hash| hash.as_bytes().to_vec()).collect();
}

/// A blend whose parts were assayed as oxides, once finally and once provisionally.
fn assayed() -> Vec<u8> {
    let mut ledger = story();
    let assay = |amount: &str, stage| v1::Assay {
        lot: Some(draft::lot("mine-a/A1")),
        composition: Some(draft::composition(&[("Ta2O5", amount)], "XRF", "", stage).expect("contents")),
        ..v1::Assay::default()
    };
    ledger.must("refiner", assay("41.234567 %", v1::AssayStage::Final));
    ledger.must("refiner", assay("12 %", v1::AssayStage::Provisional));
    let blend = transform(
        v1::Process::Blending,
        "refiner/works",
        &[("mine-a/A1", "100 kg"), ("mine-b/B1", "37.123457 kg")],
        vec![new_lot("refiner/M1", "refiner/works", "137 kg", &[("Ta2O5", "35 %")])],
    );
    ledger.must("refiner", blend);
    ledger.seal();
    ledger.bundle_file("refiner/M1", TA)
}

/// Scrap that was collected without a history, and recycled.
fn scrap() -> Vec<u8> {
    let mut ledger = story();
    let lot = v1::NewLot {
        material: v1::MaterialClass::Scrap.into(),
        ..new_lot("maker/S1", "maker/plant", "10 kg", &[("Ta", "90 %")])
    };
    ledger.must(
        "maker",
        v1::Commission {
            kind: v1::CommissionKind::CollectedScrap.into(),
            lot: Some(lot),
            scrap_class: v1::RecyclingClass::PreConsumer.into(),
            ..v1::Commission::default()
        },
    );
    let recycling = v1::Transform {
        recycling_class: v1::RecyclingClass::PostConsumer.into(),
        ..transform(
            v1::Process::Recycling,
            "maker/plant",
            &[("maker/S1", "10 kg")],
            vec![new_lot("maker/S2", "maker/plant", "8.9 kg", &[("Ta", "99.9 %")])],
        )
    };
    ledger.must("maker", recycling);
    ledger.seal();
    ledger.bundle_file("maker/S2", TA)
}
