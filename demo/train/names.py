"""Names of people: known ones, foreign ones, and made-up ones that can only be copied."""

import random

GIRLS = (
    "Anna Clara Emma Grace Ida Kate Mia Olivia Rosa Tina Uma Wendy Yara Zoe Bella Diana Fiona "
    "Hannah Julia Laura Nina Petra Sara Ursula Vera Bianca Dora Farah Gina Ines Lena Maria Priya "
    "Sofia Zara Alice Ella Helen Jane Lisa Nora Ruth Tara Berta Edith Greta Heidi Jenny Lucy "
    "Nadia Pia Rita Ulla Vivian Wanda Cora Esther Gloria Iris Klara Molly Olga Rachel Tanya Aisha "
    "Carmen Elena Fatima Giulia Ingrid Keiko Mei Sana Yuki Abby Chloe Erin Holly Jill Lily Pam "
    "Amara Ayesha Chiara Daria Eszter Freya Hana Ilse Jasmin Kira Leila Marta Noor Paula Runa "
    "Selma Thea Violet Willow Xenia Zuzana Penny Poppy Ruby Daisy Amelia Charlotte Matilda "
    "Josephine Adele Agnes Alma Anouk Aurora Beatrice Bettina Bridget Camille Carla Cecilia "
    "Claire Dagmar Deborah Delia Doris Dorothy Eleanor Eliza Elsa Erika Eva Evelyn Flora Frida "
    "Gabriela Georgia Gwen Harriet Hazel Hilda Imogen Irene Isabel Jade Janet Jasmine Joan Judith "
    "Karin Katya Kirsten Leonie Lotte Louise Luna Mabel Margaret Marina Martha Maya Mila Miriam "
    "Nancy Naomi Natalie Nicole Ottilie Pamela Patricia Phoebe Rebecca Renata Rosie Sabine Samira "
    "Sandra Sheila Silvia Sonia Stella Susan Svetlana Sylvie Teresa Theresa Tilda Valentina "
    "Veronica Victoria Xiomara Yasmin Yolanda Yvette Lupita Nkechi Chioma Ayumi Sakura Shreya "
    "Ananya Leyla Zehra Oksana"
).split()
BOYS = (
    "Ben David Felix Henry Jack Leo Noah Paul Sam Victor Tom Carlos Eric George Ivan Kevin Marco "
    "Oscar Ralf Walter Amir Chen Elias Hugo Jonas Karim Nico Omar Ravi Theo Viktor Wei Yusuf Bob "
    "Charlie Daniel Frank Isaac Max Otto Peter Simon Vince Anton Cyrus Derek Fred Igor Kurt Mark "
    "Olaf Stefan Tim Adam Bruno Dylan Finn Harry James Luke Nick Pablo Sven Will Boris Dmitri "
    "Hassan Jorge Luis Nils Pedro Raj Tariq Uwe Vlad Zack Brad Dean Gabe Ian Kyle Mike Nate Arjun "
    "Bilal Casper Davide Emil Farid Giorgos Hiro Ismail Jakub Kofi Lars Mateo Nikhil Oleg Piotr "
    "Rashid Sander Tomas Umar Wim Yannis Zoltan Arthur Jasper Milo Toby Rufus Sebastian Alexander "
    "Aaron Abel Adrian Alan Albert Alfred Andre Andrew Angus Anthony Archie Armin August Axel "
    "Basil Benedict Bernard Bertram Calvin Cedric Christian Clemens Colin Conrad Curtis Cyril "
    "Damian Dennis Dominic Donald Douglas Edgar Edmund Edward Edwin Elliot Enzo Ernest Ethan "
    "Eugene Ferdinand Floyd Francis Franz Gareth Gerald Gilbert Gordon Graham Gregory Gustav "
    "Harold Hector Heinrich Herbert Howard Hubert Jerome Joel Johan Joseph Julian Kai Karl Keith "
    "Kenneth Konrad Lambert Laurence Leonard Lewis Liam Linus Lorenzo Magnus Manuel Marcel Martin "
    "Matthew Maurice Melvin Morris Moritz Nathan Neil Norman Olivier Owen Patrick Philip Quentin "
    "Ralph Raymond Reuben Ricardo Robert Robin Roland Ronald Rory Rupert Russell Salim Samuel "
    "Silas Stanley Terence Thomas Tobias Valentin Vernon Vikram Vincent Warren Wesley Wilfred "
    "Winston Xavi Youssef Zachary Kwame Emeka Takeshi"
).split()
_BEGINNINGS = (
    "ba be bri cha da dro el fa fle ga gri ha il ja ka kla ki lo lu ma mi na ny o or pa pe quo ra "
    "ri sa sho si ta ti tri u va vi wo xa ya zi zu"
).split()
_MIDDLES = "ba bo da de du fi ga ko la li lo ma mo na ni nu ra ri ro sha ti tu va vo".split()
_ENDINGS = (
    "bel do fin ka kin la len li mar mo na nor pa ra rek rin sa sel ta tor vin wen x zo".split()
)


def invented_name(chance: random.Random) -> str:
    """Make up a name, so that names are copied and not guessed."""
    middle = chance.choice(_MIDDLES) if chance.random() < 0.5 else ""
    return (chance.choice(_BEGINNINGS) + middle + chance.choice(_ENDINGS)).capitalize()


def any_name(chance: random.Random) -> str:
    """Pick a known name or, nearly as often, make one up."""
    return invented_name(chance) if chance.random() < 0.45 else chance.choice(GIRLS + BOYS)
