"""The demo's catalogue: fifteen services with prices and durations, in six languages."""

from dataclasses import dataclass
from typing import Final

from grome.catalogue.models import Service, Translation
from grome.dev.demo.deterministic import CREATED_AT, demo_id


@dataclass(frozen=True, slots=True)
class Entry:
    """A service with its usual price, in plain haircuts, and its usual duration in minutes."""

    service: Service
    haircuts: float
    minutes: int


def _entry(
    name: str, category: str, description: str, haircuts: float, minutes: int, **translations: tuple[str, str]
) -> Entry:
    service = Service(
        id=demo_id(f"service/{name}"),
        name=name,
        category=category,
        description=description,
        translations={language: Translation(*texts) for language, texts in translations.items()},
        created_at=CREATED_AT,
    )
    return Entry(service, haircuts, minutes)


HAIRCUT: Final = _entry(
    "Haircut",
    "hair",
    "Wash, cut and a simple finish.",
    haircuts=1,
    minutes=30,
    de=("Haarschnitt", "Waschen, schneiden und schlicht stylen."),
    es=("Corte de pelo", "Lavado, corte y un acabado sencillo."),
    fr=("Coupe de cheveux", "Shampooing, coupe et coiffage simple."),
    pt=("Corte de cabelo", "Lavagem, corte e finalização simples."),
    ja=("カット", "シャンプー、カット、簡単な仕上げ。"),
)
SPECIALITIES: Final = (
    _entry(
        "Fade",
        "hair",
        "Clipper cut that runs smoothly from the skin into length.",
        haircuts=1.15,
        minutes=40,
        de=("Fade", "Fließender Übergang von der Haut ins längere Haar, mit der Maschine."),
        es=("Degradado", "Transición suave a máquina, desde la piel hasta el largo."),
        fr=("Dégradé", "Transition douce à la tondeuse, de la peau vers la longueur."),
        pt=("Degradê", "Transição suave com máquina, da pele até o comprimento."),
        ja=("フェードカット", "バリカンで地肌から長さへ自然につなぎます。"),
    ),
    _entry(
        "Buzz cut",
        "hair",
        "One clipper length all over.",
        haircuts=0.6,
        minutes=20,
        de=("Maschinenschnitt", "Überall dieselbe Länge, mit der Maschine."),
        es=("Rapado", "A máquina, con el mismo largo en toda la cabeza."),
        fr=("Coupe à la tondeuse", "Une seule longueur partout, à la tondeuse."),
        pt=("Corte à máquina", "Um só comprimento em toda a cabeça, com máquina."),
        ja=("丸刈り", "バリカンで全体を同じ長さに刈ります。"),
    ),
    _entry(
        "Long hair cut",
        "hair",
        "Cut and blow-dry for hair that reaches below the ears.",
        haircuts=1.4,
        minutes=50,
        de=("Langhaarschnitt", "Schneiden und föhnen, wenn das Haar über die Ohren reicht."),
        es=("Corte de pelo largo", "Corte y secado para cabello por debajo de las orejas."),
        fr=("Coupe cheveux longs", "Coupe et brushing pour des cheveux qui dépassent les oreilles."),
        pt=("Corte de cabelo comprido", "Corte e secagem para cabelo abaixo das orelhas."),
        ja=("ロングヘアカット", "耳より長い髪のカットとブロー。"),
    ),
    _entry(
        "Kids cut",
        "hair",
        "For children up to twelve years.",
        haircuts=0.7,
        minutes=25,
        de=("Kinderhaarschnitt", "Für Kinder bis zwölf Jahre."),
        es=("Corte infantil", "Para niños de hasta doce años."),
        fr=("Coupe enfant", "Pour les enfants jusqu'à douze ans."),
        pt=("Corte infantil", "Para crianças até doze anos."),
        ja=("キッズカット", "12歳までのお子さま向け。"),
    ),
    _entry(
        "Hair and beard",
        "packages",
        "Haircut and beard trim in one visit.",
        haircuts=1.5,
        minutes=55,
        de=("Haar und Bart", "Haarschnitt und Bartschnitt in einem Termin."),
        es=("Pelo y barba", "Corte de pelo y arreglo de barba en una sola cita."),
        fr=("Cheveux et barbe", "Coupe de cheveux et taille de barbe en un seul rendez-vous."),
        pt=("Cabelo e barba", "Corte de cabelo e barba em uma só visita."),
        ja=("カットとひげ", "カットとひげのトリミングを一度に。"),
    ),
    _entry(
        "Beard trim",
        "beard",
        "Shape and length with clipper and scissors, edges with the razor.",
        haircuts=0.6,
        minutes=20,
        de=("Bartschnitt", "Form und Länge mit Maschine und Schere, Konturen mit dem Messer."),
        es=("Arreglo de barba", "Forma y largo con máquina y tijera, contornos a navaja."),
        fr=("Taille de barbe", "Forme et longueur à la tondeuse et aux ciseaux, contours au rasoir."),
        pt=("Aparar a barba", "Forma e comprimento com máquina e tesoura, contornos com navalha."),
        ja=("ひげトリミング", "バリカンとはさみで形と長さを整え、輪郭はかみそりで仕上げます。"),
    ),
    _entry(
        "Hot towel shave",
        "beard",
        "Hot towels, lather and the straight razor.",
        haircuts=0.95,
        minutes=35,
        de=("Nassrasur mit heißem Handtuch", "Heiße Handtücher, Schaum und Rasiermesser."),
        es=("Afeitado con toalla caliente", "Toallas calientes, espuma y navaja."),
        fr=("Rasage à la serviette chaude", "Serviettes chaudes, mousse et coupe-chou."),
        pt=("Barbear com toalha quente", "Toalhas quentes, espuma e navalha."),
        ja=("ホットタオルシェービング", "蒸しタオルと泡、かみそりで剃ります。"),
    ),
    _entry(
        "Hair colour",
        "colour",
        "One colour from root to tip.",
        haircuts=2.2,
        minutes=75,
        de=("Haarfärbung", "Eine Farbe vom Ansatz bis in die Spitzen."),
        es=("Coloración", "Un solo color de raíz a puntas."),
        fr=("Coloration", "Une seule couleur, des racines aux pointes."),
        pt=("Coloração", "Uma só cor da raiz às pontas."),
        ja=("ヘアカラー", "根元から毛先まで一色で染めます。"),
    ),
    _entry(
        "Highlights",
        "colour",
        "Lighter strands, set with foils.",
        haircuts=3,
        minutes=105,
        de=("Strähnen", "Hellere Strähnen in Folientechnik."),
        es=("Mechas", "Mechones más claros, hechos con papel de aluminio."),
        fr=("Mèches", "Mèches plus claires, posées au papier aluminium."),
        pt=("Mechas", "Mechas mais claras, feitas com papel-alumínio."),
        ja=("ハイライト", "ホイルを使って明るい毛束を入れます。"),
    ),
    _entry(
        "Beard colour",
        "colour",
        "Colour for the beard, with grey covered if wanted.",
        haircuts=0.8,
        minutes=30,
        de=("Bartfärbung", "Farbe für den Bart, auf Wunsch mit Grauabdeckung."),
        es=("Tinte de barba", "Color para la barba, con cobertura de canas si se desea."),
        fr=("Coloration de barbe", "Couleur pour la barbe, poils blancs couverts si on le souhaite."),
        pt=("Coloração de barba", "Cor para a barba, com cobertura dos fios brancos se desejado."),
        ja=("ひげカラー", "ひげを染めます。ご希望に応じて白いひげも隠します。"),
    ),
    _entry(
        "Hair wash",
        "care",
        "Wash and scalp massage.",
        haircuts=0.35,
        minutes=15,
        de=("Haarwäsche", "Waschen mit Kopfmassage."),
        es=("Lavado de pelo", "Lavado con masaje del cuero cabelludo."),
        fr=("Shampooing", "Shampooing et massage du cuir chevelu."),
        pt=("Lavagem de cabelo", "Lavagem com massagem do couro cabeludo."),
        ja=("シャンプー", "洗髪と頭皮マッサージ。"),
    ),
    _entry(
        "Styling",
        "care",
        "Blow-dry and finish, without a cut.",
        haircuts=0.6,
        minutes=25,
        de=("Styling", "Föhnen und Finish, ohne Schnitt."),
        es=("Peinado", "Secado y acabado, sin corte."),
        fr=("Coiffage", "Brushing et finition, sans coupe."),
        pt=("Penteado", "Secagem e finalização, sem corte."),
        ja=("スタイリング", "カットなしのブローと仕上げ。"),
    ),
    _entry(
        "Eyebrow trim",
        "care",
        "Brows shortened and tidied.",
        haircuts=0.3,
        minutes=10,
        de=("Augenbrauenschnitt", "Augenbrauen kürzen und in Form bringen."),
        es=("Arreglo de cejas", "Cejas recortadas y perfiladas."),
        fr=("Taille des sourcils", "Sourcils raccourcis et mis en forme."),
        pt=("Aparar as sobrancelhas", "Sobrancelhas aparadas e alinhadas."),
        ja=("眉カット", "眉を短く整えます。"),
    ),
    _entry(
        "Facial",
        "care",
        "Cleansing, steam and a mask.",
        haircuts=1.1,
        minutes=40,
        de=("Gesichtsbehandlung", "Reinigung, Dampf und Maske."),
        es=("Tratamiento facial", "Limpieza, vapor y mascarilla."),
        fr=("Soin du visage", "Nettoyage, vapeur et masque."),
        pt=("Tratamento facial", "Limpeza, vapor e máscara."),
        ja=("フェイシャルケア", "洗顔、スチーム、パック。"),
    ),
)
CATALOGUE: Final = (HAIRCUT, *SPECIALITIES)
