//! Every case of the published vectors is accepted or rejected as given.

use ore_merkle::{
    ConsistencyProof, Frontier, InclusionProof, LeafHash, LeafIndex, NodeHash, RootHash, Subtree, TreeSize,
    hash_leaf, verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use serde_json::Value;

use crate::support::{base64_of, hex_of, u64_of, vector_json};

/// Runs `verify` over one file and compares with `wantErr`; returns (accepted, rejected).
fn run(file: &str, verify: impl Fn(&Case) -> Option<()>) -> (usize, usize) {
    let cases = vector_json(&format!("merkle-transparency-dev/{file}.json"));
    let mut counts = (0, 0);
    for item in cases.as_array().expect("a list of cases") {
        let (path, case) = (&item["path"], &item["case"]);
        let want_reject = case["wantErr"].as_bool().expect("wantErr is a bool");
        let rejected = verify(&Case { json: case, lenient: !want_reject }).is_none();
        assert_eq!(rejected, want_reject, "{path}: {}", case["desc"]);
        if rejected { counts.1 += 1 } else { counts.0 += 1 }
    }
    counts
}

/// One case. Upstream compares byte strings of any length and has a few cases to *accept* whose roots
/// are short words; only for those (`lenient`) a word stands for the hash it is padded to.
struct Case<'a> {
    json: &'a Value,
    lenient: bool,
}

impl Case<'_> {
    fn number(&self, name: &str) -> u64 {
        u64_of(&self.json[name])
    }

    fn hash(&self, value: &Value) -> Option<[u8; 32]> {
        let mut bytes = base64_of(value);
        if self.lenient {
            bytes.resize(32, 0);
        }
        // Ours refuses other lengths at the door.
        RootHash::from_slice(&bytes).ok().map(RootHash::to_bytes)
    }

    fn root(&self, name: &str) -> Option<RootHash> {
        self.hash(&self.json[name]).map(RootHash::from_bytes)
    }

    fn leaf(&self) -> Option<LeafHash> {
        self.hash(&self.json["leafHash"]).map(LeafHash::from_bytes)
    }

    fn hashes(&self) -> Option<Vec<NodeHash>> {
        let list = self.json["proof"].as_array().cloned().unwrap_or_default();
        list.iter().map(|hash| self.hash(hash).map(NodeHash::from_bytes)).collect()
    }

    fn inclusion(&self) -> Option<InclusionProof> {
        InclusionProof::new(self.hashes()?).ok()
    }

    fn consistency(&self) -> Option<ConsistencyProof> {
        ConsistencyProof::new(self.hashes()?).ok()
    }
}

#[test]
fn all_98_inclusion_cases_are_judged_as_given() {
    let counts = run("inclusion", |case| {
        let (index, size) = (LeafIndex::new(case.number("leafIdx")), TreeSize::new(case.number("treeSize")));
        verify_inclusion(&case.leaf()?, index, size, &case.inclusion()?, &case.root("root")?).ok()
    });
    assert_eq!(counts.0 + counts.1, 98);
    assert!(counts.0 >= 6, "happy paths are among them: {counts:?}");
}

#[test]
fn all_98_consistency_cases_are_judged_as_given() {
    let counts = run("consistency", |case| {
        let (first, second) = (TreeSize::new(case.number("size1")), TreeSize::new(case.number("size2")));
        let (root1, root2) = (case.root("root1")?, case.root("root2")?);
        verify_consistency(first, &root1, second, &root2, &case.consistency()?).ok()
    });
    assert_eq!(counts.0 + counts.1, 98);
    assert!(counts.0 >= 5, "happy paths are among them: {counts:?}");
}

#[test]
fn all_204_subtree_inclusion_cases_are_judged_as_given() {
    let counts = run("subtreeinclusion", |case| {
        let subtree = Subtree::new(case.number("start"), case.number("end")).ok()?;
        let index = LeafIndex::new(case.number("leafIdx"));
        verify_subtree_inclusion(&case.leaf()?, index, subtree, &case.inclusion()?, &case.root("root")?).ok()
    });
    assert_eq!(counts.0 + counts.1, 204);
    assert!(counts.0 >= 12, "happy paths are among them: {counts:?}");
}

#[test]
fn all_118_subtree_consistency_cases_are_judged_as_given() {
    let counts = run("subtreeconsistency", |case| {
        let subtree = Subtree::new(case.number("start"), case.number("end")).ok()?;
        let size = TreeSize::new(case.number("size"));
        let (root1, root2) = (case.root("root1")?, case.root("root2")?);
        verify_subtree_consistency(subtree, &root1, size, &root2, &case.consistency()?).ok()
    });
    assert_eq!(counts.0 + counts.1, 118);
    assert!(counts.0 >= 11, "happy paths are among them: {counts:?}");
}

#[test]
fn the_classic_tree_of_eight_leaves_has_its_roots_and_paths() {
    let json = vector_json("merkle-transparency-dev/reference-tree.json");
    let roots: Vec<[u8; 32]> = json["roots_hex"].as_array().unwrap().iter().map(hex_of).collect();
    let path_of =
        |value: &Value| -> Vec<[u8; 32]> { value["path"].as_array().unwrap().iter().map(hex_of).collect() };
    let bytes_of =
        |hashes: &[NodeHash]| -> Vec<[u8; 32]> { hashes.iter().map(|hash| hash.to_bytes()).collect() };

    let mut tree = ore_merkle::Levels::new();
    let mut frontier = Frontier::new();
    assert_eq!(tree.root().to_bytes(), roots[0]);
    for (position, input) in json["leaf_inputs_hex"].as_array().unwrap().iter().enumerate() {
        let leaf = hash_leaf(&hex::decode(input.as_str().unwrap()).unwrap());
        tree.append(leaf);
        frontier.append(leaf);
        assert_eq!(tree.root().to_bytes(), roots[position + 1]);
        assert_eq!(frontier.root(), tree.root());
    }
    let inclusions = json["inclusion"].as_array().unwrap();
    for one in inclusions {
        let (index, size) = (LeafIndex::new(u64_of(&one["index"])), TreeSize::new(u64_of(&one["size"])));
        let proof = tree.prove_inclusion(index, size).expect("leaf is in the tree");
        assert_eq!(bytes_of(proof.hashes()), path_of(one), "{one}");
        let root = tree.root_at(size).unwrap();
        verify_inclusion(&tree.leaf(index).unwrap(), index, size, &proof, &root).expect("path verifies");
    }
    let consistencies = json["consistency"].as_array().unwrap();
    for one in consistencies {
        let (first, second) = (TreeSize::new(u64_of(&one["size1"])), TreeSize::new(u64_of(&one["size2"])));
        let proof = tree.prove_consistency(first, second).expect("sizes are in the tree");
        assert_eq!(bytes_of(proof.hashes()), path_of(one), "{one}");
        let (root1, root2) = (tree.root_at(first).unwrap(), tree.root_at(second).unwrap());
        verify_consistency(first, &root1, second, &root2, &proof).expect("path verifies");
    }
    assert_eq!((inclusions.len(), consistencies.len()), (36, 36));
}

#[test]
fn sigsum_inclusion_proofs_verify_and_their_mutations_do_not() {
    for (file, valid) in [("sigsum/inclusion-valid.json", true), ("sigsum/inclusion-invalid.json", false)] {
        let cases = vector_json(file);
        let cases = cases.as_array().unwrap();
        assert_eq!(cases.len(), 4, "{file}");
        for case in cases {
            let path = case["inclusion_path"].as_array().unwrap();
            let path = path.iter().map(|hash| NodeHash::from_slice(&base64_of(hash)).unwrap()).collect();
            let judged = verify_inclusion(
                &LeafHash::from_slice(&base64_of(&case["leaf_hash"])).unwrap(),
                LeafIndex::new(u64_of(&case["leaf_index"])),
                TreeSize::new(u64_of(&case["tree_size"])),
                &InclusionProof::new(path).unwrap(),
                &RootHash::from_slice(&base64_of(&case["root_hash"])).unwrap(),
            );
            assert_eq!(judged.is_ok(), valid, "{file}: {case}");
        }
    }
}
