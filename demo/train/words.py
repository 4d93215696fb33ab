"""Word lists for the skills that are made rather than written."""

NAMES = (
    "Anna Ben Clara David Emma Felix Grace Henry Ida Jack Kate Leo Mia Noah Olivia Paul Quinn "
    "Rosa Sam Tina Uma Victor Wendy Xavier Yara Zoe Alex Bella Carlos Diana Eric Fiona George "
    "Hannah Ivan Julia Kevin Laura Marco Nina Oscar Petra Ralf Sara Tom Ursula Vera Walter "
    "Amir Bianca Chen Dora Elias Farah Gina Hugo Ines Jonas Karim Lena Maria Nico Omar Priya "
    "Ravi Sofia Theo Viktor Wei Yusuf Zara Alice Bob Charlie Daniel Ella Frank Helen Isaac "
    "Jane Kim Lisa Max Nora Otto Peter Ruth Simon Tara Vince Anton Berta Cyrus Derek Edith "
    "Fred Greta Heidi Igor Jenny Kurt Lucy Mark Nadia Olaf Pia Rita Stefan Tim Ulla Vivian "
    "Wanda Adam Bruno Cora Dylan Esther Finn Gloria Harry Iris James Klara Luke Molly Nick "
    "Olga Pablo Rachel Sven Tanya Valerie Will Yvonne Aisha Boris Carmen Dmitri Elena Fatima "
    "Giulia Hassan Ingrid Jorge Keiko Luis Mei Nils Ola Pedro Raj Sana Tariq Uwe Vlad Yuki "
    "Zack Abby Brad Chloe Dean Erin Gabe Holly Ian Jill Kyle Lily Mike Nate Pam"
).split()

THINGS = (
    "dogs cats horses birds books football music trains cooking gardens computers robots "
    "stars movies chess cars trees flowers mountains rivers bread coffee tea chocolate pizza "
    "painting dancing swimming running hiking travelling maps languages history planets "
    "dinosaurs bicycles boats castles dragons pirates snow summer winter rain photography "
    "sewing knitting fishing camping guitars pianos drums puzzles riddles poems comics "
    "penguins elephants whales bees mushrooms apples soup pancakes cheese noodles basketball "
    "tennis skating lamps clocks stamps"
).split()

PLACES = (
    "Berlin London Paris Rome Madrid Oslo Vienna Prague Lisbon Dublin Athens Warsaw Tokyo "
    "Delhi Cairo Boston Chicago Denver Toronto Sydney Lima Nairobi Hamburg Munich Zurich "
    "Milan Porto Seville Bristol Leeds Kyoto Seoul Mumbai Lagos Austin Seattle Portland "
    "Houston Montreal Perth"
).split()

COLOURS = "red blue green yellow orange purple pink black white grey brown".split()
FOODS = (
    "pizza pasta soup salad rice bread cheese chocolate pancakes noodles sushi curry apples "
    "strawberries ice-cream tomatoes potatoes fish beans cake"
).split()
PETS = "dog cat rabbit hamster horse parrot turtle fish bird mouse".split()
JOBS = (
    "teacher nurse cook baker doctor painter farmer driver student gardener developer "
    "carpenter librarian engineer singer pilot writer lawyer waiter photographer"
).split()

OPPOSITES = dict(
    pair.split("/")
    for pair in (
        "hot/cold big/small fast/slow high/low old/young new/old good/bad happy/sad light/dark "
        "day/night up/down left/right open/closed full/empty hard/soft wet/dry long/short "
        "strong/weak loud/quiet early/late rich/poor near/far clean/dirty thick/thin heavy/light "
        "true/false first/last black/white yes/no begin/end win/lose love/hate buy/sell come/go "
        "push/pull laugh/cry tall/short sweet/sour wide/narrow deep/shallow cheap/expensive "
        "easy/difficult brave/afraid awake/asleep friend/enemy question/answer summer/winter "
        "north/south east/west always/never many/few inside/outside above/below"
    ).split()
)

SOUNDS = dict(
    pair.split("/")
    for pair in (
        "cat/meow dog/woof cow/moo sheep/baa duck/quack pig/oink horse/neigh lion/roar "
        "mouse/squeak bee/buzz owl/hoo frog/croak snake/hiss rooster/cock-a-doodle-doo wolf/howl"
    ).split()
)

THING_COLOURS = dict(
    pair.split("/")
    for pair in (
        "grass/green snow/white blood/red coal/black lemons/yellow bananas/yellow carrots/orange "
        "chocolate/brown milk/white tomatoes/red leaves/green strawberries/red elephants/grey "
        "night/black pumpkins/orange cherries/red frogs/green"
    ).split()
)

KINDS = {
    "animals": (
        "cat dog horse cow bear lion mouse duck fish frog bee fox owl wolf sheep goat tiger zebra"
    ).split(),
    "fruits": "apple pear banana cherry plum orange lemon grape peach melon mango kiwi fig".split(),
    "colours": "red blue green yellow orange purple black white brown".split(),
    "vegetables": "carrot potato onion tomato cabbage bean pea leek pumpkin".split(),
    "countries": "France Germany Italy Spain Japan India Brazil Canada Egypt Norway".split(),
    "cities": "Paris London Berlin Rome Tokyo Madrid Vienna Oslo Cairo Sydney".split(),
    "instruments": "piano guitar violin drum flute trumpet harp".split(),
    "sports": "football tennis swimming running cycling skating rowing".split(),
    "drinks": "water tea coffee milk juice lemonade".split(),
    "tools": "hammer saw drill screwdriver ladder brush axe spade".split(),
    "birds": "robin owl eagle sparrow crow swan duck parrot penguin stork pigeon".split(),
    "flowers": "rose tulip daisy lily sunflower poppy violet orchid daffodil".split(),
    "trees": "oak beech birch pine maple willow ash elm chestnut".split(),
    "insects": "ant bee beetle butterfly fly mosquito wasp cricket moth".split(),
    "sea animals": "whale shark dolphin crab octopus seal jellyfish starfish".split(),
    "farm animals": "cow pig sheep goat hen horse duck donkey".split(),
    "wild animals": "lion tiger bear wolf fox elephant giraffe zebra".split(),
    "pets": "dog cat hamster rabbit parrot turtle goldfish".split(),
    "planets": "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split(),
    "clothes": "shirt trousers jacket socks hat scarf dress coat gloves".split(),
    "vehicles": "car bus train bicycle truck plane ship tram".split(),
    "body parts": "head arm leg hand foot nose ear knee elbow".split(),
    "languages": "English French Spanish German Italian Chinese Arabic Hindi Russian".split(),
    "continents": "Africa Asia Europe Australia Antarctica".split(),
    "rivers": "Nile Danube Rhine Amazon Thames Ganges Volga Seine".split(),
    "jobs": "teacher nurse baker doctor farmer pilot cook lawyer painter".split(),
    "shapes": "circle square triangle star oval rectangle".split(),
    "pieces of furniture": "table chair bed sofa shelf desk cupboard".split(),
    "rooms": "kitchen bathroom bedroom hall attic cellar".split(),
    "toys": "ball doll kite teddy puzzle yo-yo blocks".split(),
    "spices": "pepper cinnamon ginger curry paprika saffron nutmeg".split(),
    "nuts": "walnut hazelnut almond cashew peanut pistachio".split(),
    "desserts": "cake pudding pie cookies pancakes jelly".split(),
    "breakfast foods": "bread eggs cereal toast yoghurt jam".split(),
    "school subjects": "maths history biology music art geography physics".split(),
    "feelings": "joy anger fear sadness love pride".split(),
    "metals": "gold silver iron copper tin lead".split(),
    "hobbies": "reading painting cooking dancing hiking fishing knitting".split(),
    "games": "chess tag dominoes checkers hide-and-seek cards".split(),
    "fairy-tale creatures": "dragon unicorn elf dwarf giant witch fairy".split(),
    "days of the week": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "months": "January March April June August October December".split(),
    "seasons": "spring summer autumn winter".split(),
    "girls' names": "Anna Clara Emma Mia Zoe Lucy Nora Ella".split(),
    "boys' names": "Ben Leo Tom Paul Max Sam Noah Finn".split(),
    "kitchen things": "spoon fork knife pot pan cup plate".split(),
    "things in the sky": "sun moon stars clouds rainbow plane".split(),
    "cold things": "ice snow ice-cream frost iceberg".split(),
    "round things": "ball sun moon orange wheel coin".split(),
}

# The same, of more words each.
IDEAS = {
    kind: words.split(",")
    for kind, words in {
        "things to do on a rainy day": "read a book,bake a cake,play a board game,write a letter,"
        "watch an old film,tidy a drawer,learn a song,paint a picture,take a long bath",
        "things to do on a sunny day": "go swimming,have a picnic,ride a bike,fly a kite,eat ice "
        "cream,read under a tree,water the garden,play football",
        "ideas for the weekend": "visit a friend,go for a hike,try a new recipe,sleep late,see a "
        "film,clean the bike,go to the market,call grandma",
        "ideas for dinner": "tomato soup,pancakes,fried rice,a big salad,spaghetti,baked potatoes,"
        "an omelette,vegetable curry",
        "breakfast ideas": "porridge,toast with jam,scrambled eggs,yoghurt with fruit,pancakes,"
        "cereal with milk,a cheese sandwich",
        "gift ideas": "a good book,homemade jam,a plant,a warm scarf,a photo in a frame,a box of "
        "chocolates,a day together",
        "ways to relax": "take a walk,listen to music,drink tea,take a bath,breathe slowly,close "
        "your eyes,look at the clouds",
        "ways to say hello": "hi,good morning,hey there,greetings,how do you do,howdy,welcome",
        "ways to say goodbye": "see you soon,take care,farewell,so long,until tomorrow,bye-bye",
        "ways to save energy": "switch off the lights,wear a sweater,take short showers,dry the "
        "laundry outside,cook with a lid,close the windows",
        "things in a school bag": "a pencil,a ruler,a notebook,a sandwich,a water bottle,a book",
        "things in a kitchen": "a stove,a fridge,a sink,a table,a kettle,a toaster,an oven",
        "things in a garden": "a tree,a bench,flowers,a shed,grass,a hose,a fence",
        "things to pack for a trip": "a toothbrush,warm socks,a raincoat,a book,a charger,a map,"
        "sun cream",
        "things that fly": "a bird,a plane,a kite,a bee,a balloon,a rocket,a bat",
        "things that are yellow": "the sun,a lemon,a banana,a canary,corn,butter,a sunflower",
        "things that are red": "a tomato,a rose,a fire engine,a cherry,blood,a ladybird",
        "things that are green": "grass,a frog,a cucumber,a leaf,spinach,a lime,moss",
        "things that are blue": "the sky,the sea,a blueberry,jeans,a bluebell,a sapphire",
        "things that are sweet": "honey,sugar,chocolate,a ripe pear,cake,candy,jam",
        "things that are soft": "a pillow,wool,a kitten,butter,moss,a feather,cotton",
        "things with wheels": "a car,a bicycle,a skateboard,a train,a wheelbarrow,a suitcase",
        "animals that can swim": "a duck,a seal,a frog,a dolphin,an otter,a penguin,a turtle",
        "animals with four legs": "a dog,a cow,a lion,a mouse,a horse,a goat,an elephant",
        "animals with wings": "an owl,a bee,a bat,a swan,a butterfly,an eagle,a duck",
        "small animals": "a mouse,an ant,a snail,a beetle,a hamster,a sparrow",
        "big animals": "an elephant,a whale,a giraffe,a hippo,a bear,a camel",
        "good habits": "sleep enough,drink water,say thank you,read daily,walk to work,listen",
        "tips for a good night's sleep": "go to bed early,keep the room cool,drink no coffee late,"
        "put the phone away,read a little,open the window",
        "tips for studying": "make a plan,take breaks,write things down,explain it to a friend,"
        "sleep well,start with the hard part",
        "reasons to smile": "the sun is up,somebody likes you,there is tea,birds sing,a friend "
        "called,it is nearly weekend",
        "hobbies for the evening": "knitting,drawing,chess,reading,playing the guitar,puzzles",
        "good names for a cat": "Mimi,Whiskers,Luna,Tiger,Felix,Minka,Shadow",
        "good names for a dog": "Bruno,Rex,Bella,Max,Buddy,Daisy,Rocky",
        "words for happy": "glad,cheerful,merry,joyful,delighted,content",
        "words for big": "large,huge,giant,great,enormous,vast",
        "words for small": "little,tiny,short,slight,wee,minute",
    }.items()
}

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

SPELL = (
    "cat dog sun moon tree book house water bread apple table chair green happy small light "
    "night friend school mother father window garden flower orange yellow purple summer "
    "winter robot model token letter number python browser river bridge cloud rabbit horse "
    "mouse tiger pencil paper music story dream sleep smile heart stone star fish bird milk "
    "rain snow wind fire king queen lamp door key boat train car road city hello world please "
    "thank you good bad big"
).split()

SYSTEMS = (
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "You are wgslm's demo model.",
    "Answer briefly.",
    "You are a helpful, honest assistant. Keep your answers short.",
    "Be kind and brief.",
)
