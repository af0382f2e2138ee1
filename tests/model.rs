//! The model: a slow, obvious account of who is in a group, who may do what and what it says of itself, kept beside
//! real clients while honest and dishonest people do thousands of random things over a network that fails. When it is
//! quiet again every honest client holds what the model holds, and nothing of what only a dishonest one wanted.
//!
//! `MODEL_SEEDS=100..120` runs other seeds, `MODEL_STEPS=1000` longer stories; a failure names its seed.
#![cfg(not(target_arch = "wasm32"))]

mod support;

#[path = "model/act.rs"]
mod act;
#[path = "model/dishonest.rs"]
mod dishonest;
#[path = "model/judge.rs"]
mod judge;
#[cfg(feature = "broken-rules")]
#[path = "model/left_out.rs"]
mod left_out;
#[path = "model/recorder.rs"]
mod recorder;
#[path = "model/registry.rs"]
mod registry;
#[path = "model/stage.rs"]
mod stage;

use std::time::Duration;

use support::story_within;

/// How long one seed may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(600);
/// Steps of a story; in each, two people do something at once.
const STEPS: usize = 120;

fn steps() -> usize {
    let asked = std::env::var("MODEL_STEPS").ok();
    asked.map_or(STEPS, |text| text.parse().expect("MODEL_STEPS is a number"))
}

/// One seed per test, so that they run beside each other; with `MODEL_SEEDS` the first runs all of those instead.
fn run(seed: u64) {
    let seeds = match std::env::var("MODEL_SEEDS") {
        Err(_) => seed..seed + 1,
        Ok(_) if seed != 1 => return,
        Ok(text) => {
            let bounds = text.split_once("..").expect("MODEL_SEEDS is like 100..120");
            let number = |text: &str| text.parse().expect("MODEL_SEEDS holds numbers");
            number(bounds.0)..number(bounds.1)
        }
    };
    for seed in seeds {
        let steps = steps();
        let told = story_within(PATIENCE, stage::happens(seed, steps));
        println!("seed {seed}: {told}");
    }
}

#[test]
fn honest_clients_agree_with_the_model_whatever_dishonest_ones_do_first_seed() {
    run(1);
}

#[test]
fn honest_clients_agree_with_the_model_whatever_dishonest_ones_do_second_seed() {
    run(2);
}

#[test]
fn honest_clients_agree_with_the_model_whatever_dishonest_ones_do_third_seed() {
    run(3);
}

#[test]
fn honest_clients_agree_with_the_model_whatever_dishonest_ones_do_fourth_seed() {
    run(4);
}
