//! Names of tiles: one spelling each, and the same spelling as other implementations.

use ore_merkle::TreeSize;
use ore_merkle::tiles::{
    self, BundleError, BundleId, BundleRef, MAX_ENTRY_BYTES, TileId, TilePathError, TileResource,
};
use proptest::prelude::*;

fn tile(level: u8, index: u64, width: u16) -> TileId {
    TileId::new(level, index, width).expect("within the format")
}

#[test]
fn the_specification_s_example_is_spelled_as_it_says() {
    assert_eq!(tile(0, 1_234_067, 256).to_string(), "tile/0/x001/x234/067");
    assert_eq!(tile(63, 0, 1).to_string(), "tile/63/000.p/1");
    assert_eq!(BundleId::new(1_000, 88).unwrap().to_string(), "tile/entries/x001/000.p/88");
    assert_eq!(tile(3, u64::MAX, 256).to_string(), "tile/3/x018/x446/x744/x073/x709/x551/615");
}

#[test]
fn the_specification_s_trees_have_the_tiles_it_lists() {
    let tiles = |size| tiles::tiles_at(TreeSize::new(size)).collect::<Vec<_>>();
    let at_70000 = tiles(70_000);
    assert_eq!(at_70000.len(), 273 + 1 + 1 + 1 + 1);
    assert!(at_70000[..273].iter().all(|tile| tile.level() == 0 && tile.is_full()));
    assert_eq!(at_70000[273..], [tile(0, 273, 112), tile(1, 0, 256), tile(1, 1, 17), tile(2, 0, 1)]);
    assert_eq!(tiles(256), [tile(0, 0, 256), tile(1, 0, 1)]);
    assert_eq!(tiles(0), []);
    assert_eq!(tiles::bundles_at(TreeSize::new(0)).count(), 0);
    assert_eq!(tiles::bundles_at(TreeSize::new(513)).last(), Some(BundleId::new(2, 1).unwrap()));
}

#[test]
fn a_second_spelling_of_a_name_is_refused() {
    use TilePathError::{BadIndex, BadLevel, BadWidth, NotATile};
    for (path, error) in [
        ("", NotATile),
        ("checkpoint", NotATile),
        ("/tile/0/000", NotATile),
        ("tile/000", NotATile),
        ("tile/00/000", BadLevel),
        ("tile/+1/000", BadLevel),
        ("tile/64/000", BadLevel),
        ("tile/256/000", BadLevel),
        ("tile/data/000", BadLevel),
        ("tile/0/0", BadIndex),
        ("tile/0/0000", BadIndex),
        ("tile/0/x001", BadIndex),
        ("tile/0/001/000", BadIndex),
        ("tile/0/x000/001", BadIndex),
        ("tile/0/x001/x000", BadIndex),
        ("tile/0/../000", BadIndex),
        ("tile/0/000/", BadIndex),
        ("tile/0/x018/x446/x744/x073/x709/x551/616", BadIndex),
        ("tile/0/x001/x018/x446/x744/x073/x709/x551/615", BadIndex),
        ("tile/0/000.p/", BadWidth),
        ("tile/0/000.p/0", BadWidth),
        ("tile/0/000.p/01", BadWidth),
        ("tile/0/000.p/256", BadWidth),
        ("tile/entries/000.p/256", BadWidth),
        ("tile/entries/000.p/1/", BadWidth),
    ] {
        assert_eq!(path.parse::<TileResource>(), Err(error), "{path}");
    }
}

#[test]
fn a_bundle_holds_exactly_its_entries() {
    let three = BundleId::new(0, 3).unwrap();
    let mut bytes = Vec::new();
    for entry in [b"".as_slice(), b"ore", &[7; MAX_ENTRY_BYTES]] {
        tiles::push_entry(&mut bytes, entry).unwrap();
    }
    let parsed = BundleRef::parse(three, &bytes).unwrap();
    assert_eq!(parsed.entries(), [b"".as_slice(), b"ore", &[7; MAX_ENTRY_BYTES]]);
    let four = BundleId::new(0, 4).unwrap();
    assert_eq!(BundleRef::parse(four, &bytes), Err(BundleError::Truncated { entry: 3 }));
    let two = BundleId::new(0, 2).unwrap();
    let extra = 2 + MAX_ENTRY_BYTES;
    assert_eq!(BundleRef::parse(two, &bytes), Err(BundleError::TrailingBytes { extra }));
    bytes.pop();
    assert_eq!(BundleRef::parse(three, &bytes), Err(BundleError::Truncated { entry: 2 }));
    let too_long = vec![0; MAX_ENTRY_BYTES + 1];
    assert!(tiles::push_entry(&mut bytes, &too_long).is_err());
}

proptest! {
    #[test]
    fn a_printed_name_reads_back(level in 0_u8..64, index in any::<u64>(), shift in 0_u32..64, width in 1_u16..=256) {
        let index = index >> shift;
        let tile = TileResource::Tile(tile(level, index, width));
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        let bundle = TileResource::Entries(BundleId::new(index, width).unwrap());
        prop_assert_eq!(bundle.to_string().parse(), Ok(bundle));
    }

    #[test]
    fn tile_names_agree_with_tlog_tiles(level in 0_u8..64, index in any::<u64>(), shift in 0_u32..64, width in 1_u16..=256) {
        let index = index >> shift;
        let ours = tile(level, index, width).to_string();
        // Theirs has the height in the path: tile/8/<L>/<N>.
        let theirs = tlog_tiles::tile::Tile::new(8, level, index, u32::from(width), false).path();
        prop_assert_eq!(theirs.replacen("tile/8/", "tile/", 1), ours);
    }

    #[test]
    fn whatever_path_we_accept_they_accept(path in "tile/[0-9]{1,3}/(x[0-9]{3}/){0,3}[0-9]{3}(\\.p/[0-9]{1,3})?") {
        let theirs = || tlog_tiles::tile::Tile::from_path(&path.replacen("tile/", "tile/8/", 1));
        match path.parse::<TileResource>() {
            Ok(ours) => prop_assert!(ours.to_string() == path && theirs().is_ok()),
            // They panic on a level above 63 and take a width of 0; not asked.
            Err(TilePathError::BadWidth | TilePathError::BadLevel) => {}
            Err(_) => prop_assert!(theirs().is_err()),
        }
    }

    #[test]
    fn the_tiles_of_a_tree_are_those_of_tlog_tiles(size in 0_u64..200_000) {
        let mut ours: Vec<String> = tiles::tiles_at(TreeSize::new(size)).map(|tile| tile.to_string()).collect();
        let theirs = tlog_tiles::tile::Tile::new_tiles(8, 0, size);
        let mut theirs: Vec<String> =
            theirs.iter().map(|tile| tile.path().replacen("tile/8/", "tile/", 1)).collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        prop_assert_eq!(ours, theirs);
    }
}
