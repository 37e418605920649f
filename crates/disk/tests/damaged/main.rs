//! Damaged images that are written to: no panic, no call that does not end; and sound ones, which
//! stay sound. `SAMPAN_DAMAGED_SEED` and `SAMPAN_DAMAGED_ROUNDS` search elsewhere and longer.

mod actions;

use sampan_disk::Memory;
use sampan_disk::ext2::check::check;
use std::time::{Duration, Instant};

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = self.0 >> 33;
        self.0 = self.0.wrapping_add(high);
        (high << 31 ^ self.0 >> 20) % below
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn damage(image: &mut [u8], random: &mut Random) {
    for _ in 0..1 + random.next(30) {
        // Mostly where something is.
        let at = loop {
            let at = random.next(image.len() as u64) as usize;
            if image[at / 64 * 64..][..64].iter().any(|&byte| byte != 0) || random.next(50) == 0 {
                break at;
            }
        };
        image[at] = match random.next(4) {
            0 => 0xff,
            1 => 0,
            2 => image[at] ^ 1 << random.next(8),
            _ => random.next(256) as u8,
        };
        // Pointers from elsewhere.
        if random.next(6) == 0 {
            let to = at / 4 * 4;
            let block = (random.next(1100) as u32).to_le_bytes();
            image[to..to + 4].copy_from_slice(&block);
        }
    }
}

#[test]
fn calls_on_damaged_images_end() {
    let intact = actions::image();
    let summary = check(Memory::from(intact.clone()), &mut |finding| panic!("{finding}"));
    assert!(summary.expect("an image").inodes_used > 18);
    let seed = number("SAMPAN_DAMAGED_SEED", 1);
    let mut mounted = 0;
    for round in 0..number("SAMPAN_DAMAGED_ROUNDS", 1500) {
        let mut random = Random(seed.wrapping_mul(1_000_003).wrapping_add(round * 7919));
        let mut image = intact.clone();
        if round % 10 != 0 {
            damage(&mut image, &mut random);
        }
        let mut left = 1500;
        let started = Instant::now();
        let after = actions::act(image, &mut |below| {
            left -= 1;
            (left > 0).then(|| random.next(below))
        });
        assert!(started.elapsed() < Duration::from_secs(30), "round {round} takes too long");
        mounted += u32::from(after.is_some());
        if round % 10 == 0 {
            // What was sound is sound after any calls.
            let after = after.expect("it can be mounted");
            let summary = check(Memory::from(after), &mut |finding| panic!("{round}: {finding}"));
            assert_eq!(summary.expect("an image").findings, 0);
        }
    }
    assert!(mounted > 100, "most can be mounted: {mounted}");
}
