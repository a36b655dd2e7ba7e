"""What people of the demo say, by occasion. Plain data: lines with blanks; `voice` picks and fills them in.

Blanks: {thing} short name of the lot, {price}, {next} amounts, {name} whoever it is about.
"""

from typing import Literal

Occasion = Literal[
    "arrive", "opened", "price_up", "extended", "called", "outbid", "leading", "dropped_out", "won", "sold_high", "sold_low",
    "sold", "passed", "highlighted", "idle", "newcomer",
]  # fmt: skip

CROWD: dict[Occasion, tuple[str, ...]] = {
    "arrive": (
        "hi everyone 👋", "made it in time for once", "evening all", "hello from the train", "good to be back", "hey Mara!",
        "what did I miss?", "just got the kids to bed, let's go", "hi from Lisbon", "first time here, be nice 😄",
        "tea's ready, wallet's hidden", "sound is great today",
    ),
    "opened": (
        "ohh the {thing}", "here we go", "been waiting for this one", "{thing}!! 😍", "starting at {next}? brave",
        "not my thing but it's pretty", "I have one of these, you won't regret it", "my budget just left the room",
        "that start price though", "who's in for the {thing}?", "ok I'm only watching this one", "wow, look at the condition",
        "come to me little {thing}", "is that really from the story in the description?",
    ),
    "price_up": (
        "{price} already??", "{price} and climbing", "{name} is not messing around", "still a fair price at {price}",
        "this is getting good 🍿", "two people want this badly", "{price} is where I'd stop", "go {name} go",
        "I paid more than {price} for mine", "someone's payday was today", "my heart rate matches the price",
        "can't look, tell me when it's over",
    ),
    "extended": (
        "extended again 😅", "the clock said no", "nobody wants to let go", "+time, love it", "{name} at the last second!",
        "every. single. time.", "that was close", "soft close is so cruel",
    ),
    "called": (
        "going going…", "last chance people", "someone say something", "hands are shaking", "don't let it go for {price}",
        "wait wait wait", "is nobody going to?",
    ),
    "outbid": (
        "hey I was winning that", "ok {name}, your move", "rude 😂", "nope, not giving up", "ugh, {price}",
        "{name} you again!", "fine. one more.", "I should have set a maximum", "that lasted four seconds",
    ),
    "leading": (
        "I'm in", "mine please 🙏", "nobody move", "let's see who blinks", "ok that's me at {price}", "come on, close close close",
        "I even have a shelf for it",
    ),
    "dropped_out": (
        "too rich for me", "I'm out, good luck {name}", "that's me done at {price}", "next one then", "my wallet says no",
        "ok it's yours {name}", "I promised myself to stop, so I stop",
    ),
    "won": (
        "YES 🎉", "it's mine!! 🥳", "can't believe I got it for {price}", "the {thing} is coming home!", "thank you Mara!!",
        "happy dance happening right now", "worth every cent", "telling nobody what I paid 😇",
    ),
    "sold_high": (
        "{price}, wow 👏", "that's a record for tonight", "congrats {name}, serious money", "worth it though",
        "well fought you two", "👏👏👏",
    ),
    "sold_low": (
        "what a steal", "{price}?! I was making tea", "how did I miss that", "bargain of the night", "{name} robbed the place",
    ),
    "sold": (
        "congrats {name}!", "nice one {name} 👏", "fair price", "enjoy it {name}", "well deserved", "good home for it",
        "gg everyone", "gratz 🎉",
    ),
    "passed": (
        "aw, poor thing", "reserve too high I guess", "it'll come back, they always do", "I almost bid…", "next time!",
    ),
    "highlighted": (
        "ooh what's that", "that's next?", "zoom in please", "👀", "pretty!", "saving my money for that one",
    ),
    "idle": (
        "is shipping combined if I win two?", "where are you shipping from?", "love this show", "how long have you been collecting?",
        "any more cameras tonight?", "what's the story behind the last one?", "does the case come with it?",
        "greetings from rainy Bergen", "who else is supposed to be asleep", "my cat is watching too", "this chat is the best part",
        "can you show the back next time?", "best evening of the week",
    ),
    "newcomer": (
        "welcome {name}!", "hey {name} 👋", "hi {name}, good luck tonight", "a new face! hi {name}", "good question {name}",
        "careful {name}, it's addictive",
    ),
}  # fmt: skip

HostOccasion = Literal[
    "welcome", "next", "opened", "first_bid", "ask", "extended", "calm", "once", "twice", "sold", "reserve", "no_bids",
    "between", "newcomer", "answer", "handover", "resume",
]  # fmt: skip

HOST: dict[HostOccasion, tuple[str, ...]] = {
    "welcome": (
        "Welcome in, everybody! Grab a seat, we start right away.",
        "Good evening! A table full of things looking for a home tonight.",
    ),
    "next": (
        "Next on the table: {thing}.", "Now this one I was saving: {thing}.", "Let's look at the {thing}.",
        "And here it is, {thing}. Take a good look.", "Up next, {thing}.",
    ),
    "opened": (
        "We start at {next}. Who opens?", "{next} gets you in. Go!", "Bidding is open at {next}.", "Thirty seconds, from {next}. Go on!",
    ),
    "first_bid": (
        "{price} with {name}, thank you!", "And we're off, {name} opens.", "{name} is first. Who's against?",
    ),
    "ask": (
        "{next} is the next bid. Anyone?", "I'm looking for {next}.", "{name} has it at {price}. {next} to take the lead.",
        "{price} so far, that's still kind.",
        "{next}, and it could be yours.", "Who gives me {next}?", "{price} with {name}, and it's worth every cent.",
    ),
    "extended": (
        "A late one! The clock goes back up.", "{name} keeps it alive!", "More time, more fun.", "And {name} with nerves of steel.",
        "Ten more seconds, thank {name}.", "{price}! You two are killing me.", "I had my hand on the hammer already…",
        "Not yet, not yet! {price} with {name}.", "That's what the soft close is for.", "{name} again! Who answers?",
    ),
    "calm": (
        "It's gone quiet… {price} with {name}.", "Shall I let it go at {price}?", "{price}. I can wait. The clock can't.",
        "{name} is smiling, I can feel it from here.",
    ),
    "once": ("Going once at {price}…", "{price}, going once…", "Fair warning at {price}. Going once…", "Once, at {price}…"),
    "twice": ("Going twice…", "{name} at {price}, going twice…", "Going twice, last chance…", "Twice! Anybody?"),
    "sold": (
        "SOLD! {thing} to {name} for {price}. Congratulations! 🎉", "And it's {name}'s at {price}. Enjoy it, {name}!",
        "Sold to {name}, {price}. That was a good one.", "{price}, {name}, it's yours! 👏",
    ),
    "reserve": ("We didn't reach the reserve, so this one stays with me. It'll be back.",),
    "no_bids": ("No takers? Then it goes back on the shelf for later.",),
    "between": (
        "Sip of water, then we go on.", "Thank you all, you're wonderful tonight.", "Combined shipping for everything you win tonight.",
        "If you're new here: the big button bids the next step, and you can set a maximum.",
    ),
    "newcomer": ("Welcome to the bidding, {name}!", "Hello {name}, good to have you here."),
    "answer": (
        "Good question {name}! Everything I know is in the description.", "Yes {name}, shipping is combined.",
        "I'll show it closer next time, {name}.", "Thanks {name} 😊",
    ),
    "handover": ("(The autopilot steps back: the stage is yours. It carries on after two quiet minutes.)",),
    "resume": ("(The autopilot takes over again.) Where were we…",),
}  # fmt: skip
