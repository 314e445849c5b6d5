"""Writes deidentification/header/data/descriptor_words.txt: words that may stay in descriptions.

They come from what pydicom ships (MIT): code meanings of its concept dictionaries, names of the
data dictionary and of SOP classes; and from RADIOLOGY below, words as they are written in
descriptions. Out go the names of people, places, months and weekdays below, but for those of
KEPT, which radiology needs. A word is case-folded (ss for the German sharp s) and composed (NFC).

The file depends on nothing but this script and pydicom, of the version that the lock names::

    .venv/bin/python scripts/make_descriptor_words.py
"""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._uid_dict import UID_dictionary
from pydicom.sr._cid_dict import name_for_cid
from pydicom.sr._concepts_dict import concepts

TARGET = Path(__file__).resolve().parents[1] / "deidentification/header/data/descriptor_words.txt"

NAMING_CONTEXTS = re.compile(
    "Breed|Taxonomic|SourceRegistry|Eponymous|Equation|Authority|Formula|Framingham|Stain$|ElectrodePlacement"
)
"""Context groups (PS3.16 CIDs) whose meanings are mostly named after breeds, places and authors."""

RADIOLOGY = """
    ax axial axiale axialer assiale axiales tra trans transv transversal transverse transversale trasversale
    trasversal sag sagit sagittal sagittale sagitale sagital cor coro coronal coronale koronar koronal
    frontal frontale obl oblique oblik obliq obliqua oblicua oblicuo paraaxial parasagittal paracoronal
    parasag paracor parakor parax reformat reformation orthogonal radial curved

    tse fse gre ge se ep epi ssfse haste tirm stir flair dwi adc dti dki swi swan swip phase pha mag
    magnitude trace tracew exp eadc fa md ad rd dixon ideal lava vibe thrive flash fiesta ciss bssfp
    truefisp trufi ffe bffe tfe btfe tffe mprage bravo fspgr spgr spoiled space cube vista mpr mip minip
    mipthin thinmip vrt vr ssd tof pc pca pcmra mra mrv mrcp mrs mri mrt irm rm rmn mrangio angio twist
    tricks timeresolved dce dsc asl pcasl pasl perf perfusion perfusie rcbv rcbf cbv cbf mtt ttp tmax pwi
    bold fmri resting rest task qsm medic merge mers smart cosmic star blade propeller multivane vane spiral
    stack starvibe grasp caipirinha caipi grappa sense mse ivim noddi fieldmap field map maps shim localizer
    localiser lokalizer localizador loc locator scout survey topogram topogramme topogramm scanogram scano
    scoutview surview planning plan planung calibration calib cal ref reference testbolus bolus
    premonitoring monitoring careblus carebolus smartprep tracker trackbolus timing fatsat sat fs fatsup
    supp suppressed fettsat fettgesaettigt fettgesättigt watersat spair spir spec fatfrac fatfraction
    waterfat inphase opposed outphase outofphase opp opposedphase water fat wfi pdff psif dess mercury pd
    pdw pdfs dp rho cine tagging lge psir ir irtfe moco mocomap molli shmolli native nativ natif nativa
    nativo ecv lax sax la sa rvot lvot axiallge dark bright black blood whiteblood white matter grey gray
    heart vent shortaxis longaxis short long axis chamber breathhold bh freebreathing fb navigator nav trig
    trigger triggered gated gating resp respiratory expiration insp inspiration inspi expi ausatmung
    einatmung apnea apnee apnée

    kontrast kontrastmittel contraste contrasto contrast contrasted km kmgabe mitkm ohnekm ce gd gado
    gadolinium gadovist dotarem primovist multihance prohance iv oral rectal po per os ohne mit sans avec
    con sin senza und et pre post vor nach nachher avant apres après antes despues después prima dopo plain
    unenhanced enhanced noncontrast noncon nc nect cect wo without with and mdc smdc cdm civ arterial
    arteriell arterielle artériel artérielle arteriosa arteriale portal portalvenous portalvenös portovenous
    portovenös pv portale porto venous venös venoese veineux veineuse venoso venosa venosus delayed late
    spät spaet tardif tardive tardivo tardiva tardía tardia early früh precoce equilibrium hepatobiliary
    excretory urographic nephrographic parenchymal pancreatic fase phasen phases multiphase multiphasic
    biphasic triphasic dynamic dynamisch dynamique dinamico dinámico dyn subtraction sub subtr subtraktion
    soustraction washout uptake hepatic

    ct mr us sono sonography sonographie ultraschall echo ecografia ecografía echographie ecocardio dx cr dr
    xr xray rx röntgen roentgen radiography radiographie radiografia radiografía radiographic mammo
    mammography mammographie mammografia mamografía mg tomo tomosynthesis tomosynthese tomosintesi pet spect
    petct petmr nm szinti szintigraphie scintigraphy scintigraphie scintigrafia gammagrafía xa dsa
    angiography angiographie angiografia angiografía fluoro fluoroscopy durchleuchtung scopie dexa
    densitometry tdm tac tc cbct dvt opg orthopantomogram panoramic pano ceph cephalometric hrct ldct
    lowdose cta ctpa cteph ctv ctc colonography colonoscopy enterography enteroclysis entero urography
    urogram uro myelo myelography arthro arthrography arthrographie artrografia cysto cystography cystogram
    hysterosalpingography hsg barium swallow enema followthrough ercp ivp dual energy dect spectral
    monoenergetic mono monoe vnc virtual iodine effz zeff calcium ca score scoring calcscore cac coronary
    coronaries cardiac cardiaque herz herzkranzgefässe tavi tavr runoff carotid carotids carotis aorta aorte
    polytrauma trauma traumascan stroke protocol protokoll protocole protocolo protocollo routine standard
    std clinical untersuchung examination exam examen esame estudio studie study serie series séries reihe
    sequenz sequence secuencia sequenza aufnahme image images bild bilder immagine imagen imágenes view
    views vue vues projection projektion proiezione proyección repeat wiederholung control kontrolle
    contrôle controllo followup verlauf verlaufskontrolle screening staging restaging diagnostic biopsy
    biopsie biopsia punktion puncture drainage intervention interventional guided guidance needle ablation
    embolization embolisation stent device lead pacemaker

    kopf head testa cabeza schädel schaedel hirn hirnschädel schädelhirn brain cerebrum cerebral cerebrale
    cérébral neurocranium neurokranium ncct cct crâne cranium cranial cranio cráneo encephale encéphale
    encefalo cerveau cervello cerebro skull stealth brainlab neuronav neuronavigation gesicht
    gesichtsschädel face facial massif faciale maxillofacial orbit orbita orbitas orbits orbite orbites auge
    augen eye oculo sinus nnh nasennebenhöhlen sinuses sella hypophyse hypophysis pituitary ipofisi
    hipófisis iac kbw kiefer kleinhirnbrückenwinkel felsenbein felsenbeine rocher rochers rocche petrous
    temporal mastoid tmj kiefergelenk mandible mandibula mandibular maxilla dental zahn zähne zahnstatus
    nasal nase nasenbein nasopharynx ohr ear oreille ent hno orl neck hals cou collo cuello larynx kehlkopf
    thyroid schilddrüse tiroide tiroides thyroïde parotid parotis hippocampus temporallappen epilepsy
    epilepsie seizure tumor tumour tumeur tumore infarct ischemia ischämie ms multiple sclerosis dementia
    demenz bleeding blutung metastasis metastases metastasen abscess

    spine spinal wirbelsäule wirbelsaeule ws hws bws lws gws sws rachis rachide columna colonne colonna
    vertebral vertebrale vertébrale cervical zervikal cervicale dorsal dorsale thoracic thorakal thoracique
    lumbar lumbal lombaire lombare lumbares lumbosacral lumbosacra lumbale sacral sacrum sakral kreuzbein
    steissbein steiß coccyx cspine tspine lspine ssp csp tsp lsp lwk bwk hwk isg iliosakralgelenk sij
    sacroiliac myelon disc discs disk bandscheibe scoliosis skoliose scoliose fullspine wholespine
    ganzwirbelsäule

    thorax thoraxe torace tórax chest brustkorb pecho poumon poumons lung lungs lunge lungen polmone polmoni
    pulmón pulmonar pulmonary pulmonaire pulmonalis pulmonalarterien pulmo pe lae lungenembolie embolism
    embolie mediastinum mediastin mediastinal rib ribs rippe rippen hemithorax côtes costillas coste sternum
    clavicle clavicula clavicule clavícola schlüsselbein breast breasts brust mamma mammae mama mamas sein
    seins seno senos axilla achsel cc ml mlo lm lateromedial mediolateral xcc xccl spot compression cleavage
    tangential implant displaced id coeur cœur cuore corazón cardio kardio mitral ventricle atrium

    abdomen abdominal abdominale abdo abd addome bauch oberbauch unterbauch mittelbauch ventre liver leber
    foie fegato hígado higado gallbladder gallenblase gallenwege bile biliary galle vésicule colecisti
    vesícula pancreas pankreas páncreas pancréas spleen milz rate milza bazo kidney kidneys niere nieren
    nierenarterien rein reins rénal rénale reni renal rinon riñon riñones adrenal adrenals nebenniere
    nebennieren surrénale surrénales surrene stomach magen estomac stomaco estómago bowel darm dünndarm
    duenndarm dickdarm intestin intestino colon kolon côlon rectum rektum retto recto appendix ureter
    ureters urethra bladder blase harnblase vessie vescica vejiga prostate prostata próstata uterus utérus
    utero útero ovary ovaries ovaire kub bns abdomenübersicht übersicht uebersicht pelvis pelvic pelvien
    becken beckenübersicht bassin bacino beckenboden hip hips hüfte huefte hüften hüftgelenk hanche hanches
    anca anche cadera caderas groin leiste inguinal fetal fetus foetal plazenta placenta testis hoden
    scrotum penis anal fistula fistel defecography defäkographie

    shoulder schulter schultergelenk épaule spalla hombro ac acj scapula skapula schulterblatt humerus
    oberarm upper arm bras braccio brazo elbow ellenbogen ellbogen coude gomito codo forearm unterarm
    avambraccio antebrazo radius ulna wrist handgelenk poignet polso muñeca muneca hand hands hände main
    mains mano mani manos finger fingers doigt doigts dito dita dedo dedos thumb daumen pouce pollice pulgar
    skaphoid scaphoid navicular carpal carpus karpal femur oberschenkel cuisse coscia muslo thigh knee knees
    knie kniegelenk genou genoux ginocchio ginocchia rodilla rodillas patella kniescheibe rotule rotula
    rótula tibia fibula unterschenkel jambe jambes gamba gambe pierna piernas calf leg legs bein beine
    beinachse beinvenen beinarterien ankle sprunggelenk osg usg cheville caviglia tobillo foot feet fuß füße
    pied pieds piede piedi pie pies vorfuss mittelfuß rückfuß forefoot midfoot hindfoot heel ferse calcaneus
    kalkaneus toe toes zehe zehen großzehe grosszehe orteil orteils alluce tarsal metatarsal metacarpal
    extremity extremities extremität extremitäten limb limbs lower obere untere membre supérieur inférieur
    joint gelenk articulation articolazione articulación bone bones knochen osseux ossa hueso huesos muscle
    muskel muscolo soft tissue weichteil weichteile parties molles tendon sehne ligament band meniscus
    meniskus fracture fraktur frattura fractura arthrosis arthrose osteo metal metall prosthesis prothese
    tep htep ktep wholebody whole body ganzkörper ganzkoerper corps entier corpo intero cuerpo wb rumpf
    trunk

    vascular vessel vessels gefäße gefässe vaisseaux vasi vasos artery arteries arterie arterien artère
    artères arteria arterias vein veins vene venen veine veines vena venas willisi ica mca aca basilar
    vertebralis supraaortic supraaortal iliac femoral popliteal peripheral peripher periphere phlebography
    phlebographie mesenteric duplex doppler bruit tvt varicose av shunt graft

    lateral latéral laterale laterales seitlich seitl profil perfil stehend standing liegend erect upright
    sitting sitzend debout bettlunge bedside portable mobile supine prone rückenlage bauchlage seitenlage
    decubitus décubitus ap pa apl lat ll rl lr rao lao rpo lpo lateralis dorsopalmar dv vd dpl plantar
    palmar dorsoplantar tunnel skyline merchant sunrise mortise frog outlet inlet swimmer odontoid dens open
    mouth flexion extension funktionsaufnahme funktion neutral inversion eversion stress weight bearing
    belastung axillary weightbearing left right links rechts li re lt rt gauche droite droit gche drte
    izquierda izquierdo izq derecha derecho dcha dcho destra destro sinistra sinistro sx bds beidseits
    beidseitig bilateral bilaterale bilat both beide unilateral internal external rotation innenrotation
    aussenrotation anterior posterior superior inferior medial proximal distal mid middle mitte distale ob
    unt obe

    kernel sharp smooth medium detail edge bonplus boneplus chst stnd knochenfenster weichteilfenster
    lungenfenster window fenster parenchyma parenchym parenchyme weich hart fenetre fenêtre finestra ventana
    osseuse ossea ósea recon rekonstruktion rekon reconstruction reco ricostruzione reconstrucción mprs mips
    volume volumen thin thick thins dünn duenn slab slice schicht slices schichten coupe coupes thinslice hr
    hd uhr hires highres high resolution lowres fbp ibr asir safire admire idose imr aidr mbir veo deep
    learning dl dlir truefidelity aice recond refor source original derived secondary screen save keyimage
    key composed composing composite stitched stitching kombiniert combined nd dis norm normalized filtered
    unfiltered color colour fusion fused overlay registered reg coreg resampled bias mask segmentation seg
    roi dose report sr bericht ctac nac attenuation corrected uncorrected correction emission transmission
    static suv fdg psma dotatate dotatoc choline florbetapir flutemetamol florbetaben mibi mdp dpd maa mibg
    tracer iodide technetium gallium fluor fluorine wbc sestamibi tetrofosmin pertechnetat renogram
    captopril bonescan planar

    mm cm sec min kv kvp ma mas mgy msv gy hz mhz tesla mev kev mbq mci deg hu te tr ti fov nex nsa etl
    first arms ffs hfs ffp hfp feetfirst headfirst

    obli pilot quad projected marked echocardiogram echokardiographie ecg ekg smartscore retro prospective
    rechte rechter rechtes linke linker linkes oberer oberes unterer unteres vordere hintere komplett teil
    adult child pediatric paediatric pädiatrie pediatrique pédiatrique kind kinder neonatal neugeborenes
    infant emergency notfall urgence urgencia urgenza ambulant phantom qa qc test quality abnormal normal
    unknown other various misc none no yes ja nein non oui only all alle of the for from to in at on by or
    not du des le les el los las del della delle dei di al il lo une un der die von zum zur am im auf bis
    für par pour sur sous à de en y o e a dem den das ein eine imar
"""
WITH_DIGITS = """
    b1map t1 t2 t1w t2w t1c t1ce t1gd t1km t1fs t2fs t1se t2se t1tse t2tse t1rho t2star t1flair t2flair t1wi
    t2wi t2ffe t2gre t2swi t1gre t1vibe t1ir t2tirm t2stir t1map t2map t1mpr t1mprage t1dixon t2dixon t1spir
    t2spair r2 r2star fl2d fl3d tfl2d tfl3d se2d se3d tse2d tse3d gre2d gre3d spc3d ep2d ep3d tof2d tof3d
    ffe3d tfe3d flair3d vibe3d fse3d 2d 3d 4d 5d 2dtof 3dtof 3dflair 3dt1 3dt2 3dffe 3dtfe 2ch 3ch 4ch ch2
    ch3 ch4 q1 q2 p2 p3 p4 r1 d1 b0 b50 b100 b200 b400 b500 b600 b700 b750 b800 b900 te1 te2 te3 m0 f18 18f
    c11 11c ga68 68ga tc99 tc99m 99mtc i123 123i i131 131i in111 111in tl201 201tl lu177 177lu rb82 82rb
    cu64 zr89 n13 o15 xe133 ra223 y90 x2 x3 1st 2nd 3rd 4th
"""
SPINE = {"c": 7, "t": 12, "th": 12, "d": 12, "l": 5, "s": 5, "hwk": 7, "bwk": 12, "lwk": 5}
"""Vertebrae by the letters that name their part of the spine."""

GIVEN_NAMES = """
    conception corazón james robert john michael david william richard joseph thomas charles christopher
    daniel matthew anthony mark donald steven paul andrew joshua kenneth kevin brian george timothy ronald
    edward jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin
    samuel gregory alexander frank patrick raymond jack dennis jerry tyler aaron jose adam nathan henry
    zachary douglas peter kyle noah ethan jeremy walter christian keith roger terry austin sean gerald carl
    harold dylan arthur lawrence jordan jesse bryan billy bruce gabriel joe logan alan juan albert willie
    elijah wayne randy vincent mason roy ralph bobby russell bradley philip eugene sam max ed rod tad bud
    chester hubert lou leo luke liam owen oliver oscar hugo felix simon neil ian graham nigel stuart colin
    craig ross barry clive trevor derek glenn glen gene dexter winston garth sid dick bill bob tom tim jim
    mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra
    margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie dorothy rebecca
    sharon laura cynthia amy kathleen angela shirley brenda emma anna pamela nicole samantha katherine
    christine helen debra rachel carolyn janet maria catherine heather diane olivia julie joyce victoria
    ruth virginia lauren kelly christina joan evelyn judith andrea hannah megan cheryl jacqueline martha
    madison teresa gloria sara janice ann kathryn abigail sophia frances jean alice judy isabella julia
    grace denise amber doris marilyn danielle beverly charlotte natalie theresa diana brittany kayla alexis
    lori marie rose violet iris ruby pearl crystal holly ivy hope faith joy eve ella lucy chloe zoe mia ava
    lily daisy carina carmen ela pia era mina nina tina lena lea sole pepper jewel kit robin hans klaus
    jürgen wolfgang werner manfred dieter helmut gerhard günter günther horst heinz uwe bernd rolf jens sven
    lars dirk ralf stefan stephan andreas markus matthias martin sebastian florian lukas jonas leon finn
    karl friedrich wilhelm otto ernst fritz kurt rudolf hermann josef johann johannes franz georg heinrich
    siegfried ursula monika petra renate sabine ingrid helga karin brigitte gisela christa erika claudia
    gabriele susanne birgit heike martina angelika jutta ilse elfriede hildegard gertrud edith irmgard anke
    silke anja katja tanja nadine hanna leonie marlene katharina franziska ute elke heidi inge pierre michel
    andré philippe rené louis alain jacques bernard marcel claude christophe nicolas frédéric laurent
    thierry pascal éric olivier stéphane sébastien françois guillaume antoine julien mathieu maxime lucas
    théo luc yves guy gilles marc rémi léa manon chloé camille sylvie nathalie isabelle françoise monique
    martine véronique sandrine céline aurélie élodie émilie jeanne marguerite madeleine yvonne germaine
    simone odette colette hélène valérie chantal antonio josé manuel francisco javier carlos jesús alejandro
    miguel rafael pedro pablo ángel sergio fernando jorge luis alberto álvaro diego adrián raúl enrique
    ramón vicente andrés joaquín santiago iván maría ana isabel cristina marta dolores lucía pilar elena
    raquel rosa manuela mercedes beatriz rocío concepción encarnación soledad inmaculada montserrat consuelo
    amparo josefa silvia irene paula sofía nuria giuseppe giovanni mario luigi francesco angelo vincenzo
    pietro salvatore carlo franco domenico bruno paolo michele giorgio aldo luciano stefano marco matteo
    alessandro lorenzo davide federico riccardo luca gianni enzo guido renzo dino gino nino ugo piero giulia
    chiara francesca federica valentina alessia elisa ilaria giovanna giuseppina lucia paola carla luisa
    caterina antonella daniela roberta mehmet mustafa ahmet ali hüseyin hasan ibrahim ismail osman yusuf
    murat ömer ramazan halil süleyman abdullah mahmut recep salih fatma ayşe emine hatice zeynep elif meryem
    şerife zehra sultan hanife merve havva can cem deniz emre eren efe ege kaan okan onur orhan selim sinan
    tarik umut volkan yasin zafer aylin burcu derya ebru esra gül nur özlem pinar seda sevgi tuba yasemin
    wei jing ling fang min hui yan ying hong ming jun qiang lei jie ping yong xin xiu tao hao bo kai yi
    mohammed muhammad mohamed ahmed fatima aisha omar khalid hassan hussein amir karim leila nadia samir
    tariq yasmin raj rahul amit sanjay vijay ravi anil sunil suresh ramesh rajesh mahesh ganesh arjun rohit
    deepak ashok vikram krishna lakshmi priya anjali pooja neha sunita anita geeta kavita meena rekha asha
    usha lata shanti devi kumari ivan sergei dmitri vladimir natasha olga irina tatiana svetlana katarzyna
    agnieszka krzysztof andrzej piotr erik nils olaf björn magnus ole per anders ingmar astrid sigrid
    solveig
"""
SURNAMES = """
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez
    wilson anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez
    lewis robinson walker young allen king wright scott torres nguyen hill flores green adams nelson baker
    hall rivera campbell mitchell carter roberts gomez phillips evans turner diaz parker cruz edwards
    collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey
    reed kelly howard ramos kim cox ward richardson watson brooks chavez wood woods james bennett gray grey
    mendoza ruiz hughes price alvarez castillo sanders patel myers long ross foster jimenez powell jenkins
    perry russell sullivan bell coleman butler henderson barnes fisher vasquez simmons stokes simpson
    hamilton hayes crawford boyd kennedy burns black stone willis gordon holmes rice robertson hunt daniels
    palmer mills nichols grant knight ferguson rose hawkins dunn perkins hudson spencer gardner stephens
    payne pierce berry matthews arnold wagner ray watkins olson carroll duncan snyder hart cunningham
    bradley lane andrews harper fox riley armstrong carpenter weaver greene lawrence elliott sims austin
    peters kelley franklin lawson fields field ryan schmidt carr wheeler chapman oliver montgomery
    williamson johnston banks meyer bishop mccoy howell morrison hansen garza harvey little burton stanley
    george jacobs reid fuller lynch dean gilbert garrett welch larson frazier burke hanson day moreno bowman
    fowler fitzpatrick hoffman hoffmann huffman barrett page ball newman sharp cross hodges cobb osborne
    gross colon schwartz french moran wolf wolfe nash hull chang short wall small horn rich york glass
    strong best case key keys kaye mayo ewing duke levine good head hand foot major minor max bright low
    large winter winters summer summers spring branch chin cheek block north south west east eastern western
    root light fish bloom silver gold diamond dodge friend brand read pool early beam ring blalock blank
    couch cloud burden swann shell power box stump free close counts fine belt stock parkinson lean back
    wynne mount peg gault marquardt race lock joslin towne bode marker pine corn copper cutter ringer kerley
    nottingham merchant cousin doctor nurse naughton hertz pink peer dark holter butterworth runge borg
    merkel wash roll steel levenberg zobel kutta magnus sepp rastelli drop judd church cole lamb lord noble
    pope prince abbott fry hess stein marsh park parks pond sand hale frost drake crane craft cash cannon
    camp bush blake bird bond barber webb wells ford potter hunter porter mason shaw burgess dawson hooper
    walsh byrne doyle quinn nolan macdonald mackenzie mclean mcdonald thatcher sutton norton dale bates
    barker atkins saunders connor oconnor obrien müller schneider fischer weber meier maier becker schulz
    schultz schäfer koch bauer richter klein schröder neumann schwarz zimmermann braun krüger hofmann
    hartmann lange schmitt werner schmitz krause lehmann schmid schulze köhler herrmann könig walter mayer
    huber kaiser fuchs lang scholz möller weiß weiss jung hahn schubert vogel friedrich keller günther frank
    berger winkler roth beck lorenz baumann franke albrecht schuster simon ludwig böhm kraus schumacher
    krämer vogt jäger otto sommer groß seidel heinrich brandt haas schreiber graf schulte dietrich ziegler
    kuhn kühn pohl engel busch bergmann voigt sauer wolff pfeiffer kurz ernst hübner krebs voß baum blau
    grün rosenberg kohl sperling specht herz kopf bein fuß hals bauch stern nagel kind haupt rot reich rein
    baumgartner moser steiner gruber pichler bernard dubois durand moreau laurent michel lefebvre leroy roux
    bertrand morel fournier girard bonnet dupont lambert fontaine rousseau vincent muller lefèvre faure
    mercier blanc guerin boyer garnier chevalier françois legrand gauthier perrin robin clément morin
    nicolas henry roussel mathieu gautier masson marchand duval denis dumont marie lemaire noël meunier
    dufour blanchard joly rivière lucas brun dumas petit grand colin rocher rate fontan fallot leblanc
    lebrun charpentier boulanger olivier lemoine aubert renard picard garcía fernández gonzález rodríguez
    lópez martínez sánchez pérez gómez martín jiménez hernández díaz muñoz álvarez romero alonso gutiérrez
    navarro domínguez vázquez gil ramírez serrano blanco molina suárez ortega delgado castro rubio marín
    sanz núñez iglesias medina garrido cortés santos lozano guerrero cano prieto méndez calvo gallego vidal
    león márquez herrera peña cabrera campos vega fuentes carrasco diez caballero nieto aguilar pascual
    santana herrero lorenzo montero hidalgo giménez ibáñez ferrer durán santiago vargas mora vicente cabeza
    rodilla puente luna sol paz rey ros montes costa pinto rossi russo ferrari esposito bianchi romano
    colombo ricci marino greco gallo conti mancini giordano rizzo lombardi moretti barbieri fontana santoro
    mariani rinaldi caruso ferrara galli martini leone longo gentile martinelli vitale coppola serra conte
    bianco ferri villa monti testa grasso monte braga silva souza oliveira pereira lima gamba collo yilmaz
    kaya demir çelik şahin yildiz yildirim öztürk aydin özdemir arslan doğan kiliç aslan çetin kara koç kurt
    özkan şimşek polat korkmaz erdoğan yavuz tekin aksoy güneş bulut ateş toprak deniz dağ er wang li zhang
    liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo zheng liang xie tang song son deng
    han feng cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren yao shen cui
    zhong tan wan fu hou kong bai mao hao shi qin fan gong meng chi lao lo na an mi tu ai ho ng ong lim tran
    pham singh kumar sharma gupta verma jain shah mehta reddy rao nair iyer iyengar menon pillai das sen
    bose ghosh roy banerjee mukherjee chatterjee khan ansari sheikh malik ahmad hussain kaur gill sidhu
    dhillon grewal yadav mishra tiwari pandey dubey trivedi chauhan rajput thakur desai joshi kulkarni patil
    pawar jadhav naidu rana karan kowalski nowak novak ivanov petrov smirnov popov jansen bakker visser
    andersson johansson karlsson nilsson jensen larsen nielsen pedersen suzuki tanaka sato watanabe
    takahashi yamamoto nakamura kobayashi choi cho kang yoon dixon eddy law dye bravo roe swan dodd geary
    von van mac mc izquierdo pace holder held nickel
"""
EPONYMS = """
    agatston ashman balke bayesian bazett bernoulli bessel boak borda bouin boyd bruce bryan carnoy
    chebyshev cockett damus doppler ellestad erb fallopian fleischner fontan fourier framingham frankel
    fredericia fridericia ganong ganz gaussian giacomini gorlin haigis hodgkin holladay hounsfield couinaud
    kaye kerley lagrangian laplacian lown marfan mobitz mondor nomarski norwood olinda paget poiseuille
    purkinje rano raynaud rheinberg ringer rombo sano scheimpflug senning stansel sénarmont talairach
    taussig teichholz theiler todaro trendelenburg valsalva wenckebach willisi zenker röntgen roentgen
    broselow ambu kolmogorov kozak lutz winston marquardt fisher rastelli ross mustard dor batista kawasaki
    crohn alzheimer parkinson cushing addison basedow hashimoto baker schatzki barrett morton haglund osgood
    schlatter scheuermann perthes sudeck dupuytren quervain bankart hoffa baastrup chiari dandy walker down
    turner janmahasatian janma cockroft hunterian
"""
PLACES = """
    aborigine african alaska alaskan american antilles asian australian bengal berlin bordeaux boston brazil
    british canada caucasian chicago china chinese danish dublin dutch english europe european finnish
    florida france german germany greece hawaiian hispanic hungarian india indian islander italian italy
    japan japanese leicester london madrid madura manchester maryland mexican milan montana munich nile
    norwegian nottingham oxford pacific paris pima pittsburgh polish portuguese rome russian scotland
    scottish spain spanish stanford swedish swiss tennessee texas turkish ukrainian usa vienna wales welsh
    wien zurich zürich münchen hamburg köln hospital hospitals clinic clinics university universität klinik
    klinikum krankenhaus hôpital ospedale saint sankt santa san institute institution street road avenue
    insurance kaiser
"""
CALENDAR = """
    january february march april may june july august september october november december jan feb mar apr
    jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue tues
    wed thu thur thurs fri sat sun januar jänner februar feber märz mai juni juli oktober dezember jän mär
    mrz okt dez montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag janvier février mars
    avril juin juillet août septembre octobre novembre décembre janv févr fév avr juil déc lundi mardi
    mercredi jeudi vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto septiembre
    setiembre octubre noviembre diciembre ene abr ago dic lunes martes miércoles jueves viernes sábado
    domingo gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre genn gen febbr mag giu
    lug ott lunedì martedì mercoledì giovedì venerdì sabato domenica ocak şubat nisan mayis haziran temmuz
    ağustos eylül ekim kasim aralik pazartesi sali çarşamba perşembe cuma cumartesi pazar
"""
KEPT = """
    white black gray grey dark bright light long short large small low strong sharp fine best good major
    minor early cross close wall field root block branch free power ring marker ray beam pool case key head
    hand foot back chin cheek colon stone herz kopf hals bein fuß bauch kind crane rocher rein rate cabeza
    rodilla corazón izquierdo testa collo gamba du per an pan ma min hu li rao lao sat bravo dixon merchant
    agatston couinaud doppler fourier gaussian hounsfield röntgen roentgen valsalva
"""
"""Names that radiology needs as words: sizes, colours of matter and blood, body parts, projections."""


def main() -> None:
    """Write the words, one a line."""
    TARGET.write_text("".join(f"{word}\n" for word in sorted(words())), encoding="utf-8")


def words() -> frozenset[str]:
    """All words that may stay."""
    shipped = {word for text in shipped_texts() for word in words_of(text) if word.isalpha()}
    ours = spelled(RADIOLOGY) | spelled(WITH_DIGITS) | vertebrae()
    return frozenset(word for word in (shipped | ours) - names() if len(word) > 1)


def names() -> frozenset[str]:
    """Names of people, places, months and weekdays, but for those that radiology needs."""
    return frozenset(
        spelled(GIVEN_NAMES) | spelled(SURNAMES) | spelled(EPONYMS) | spelled(PLACES) | spelled(CALENDAR)
    ) - spelled(KEPT)


def shipped_texts() -> Iterator[str]:
    """Code meanings, names of data elements and of SOP classes, as pydicom has them."""
    schemes: dict[str, dict[str, dict[str, tuple[str, list[int]]]]] = concepts  # type: ignore[assignment]
    for scheme, by_keyword in schemes.items():
        for by_code in by_keyword.values():
            for meaning, contexts in by_code.values():
                if is_of_use(scheme, contexts):
                    yield meaning
    for entries in (DicomDictionary, RepeatersDictionary):
        yield from (entry[2] for entry in entries.values())
    yield from (uid[0] for uid in UID_dictionary.values() if uid[1] == "SOP Class")


def is_of_use(scheme: str, contexts: list[int]) -> bool:
    """Whether a code is in a context group that isn't one of names; SNOMED's in no group are breeds."""
    if not contexts:
        return scheme != "SCT"
    return any(not NAMING_CONTEXTS.search(name_for_cid[context]) for context in contexts)


def words_of(text: str) -> list[str]:
    """The runs of letters and digits in a text, as the file has them."""
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text.casefold()))


def spelled(text: str) -> set[str]:
    """The words of a text, those with umlauts and accents also without."""
    found: set[str] = set()
    for word in words_of(text):
        expanded = word.translate({ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue"})
        found |= {word, without_marks(word), without_marks(expanded)}
    return found


def without_marks(word: str) -> str:
    """A word in plain letters."""
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def vertebrae() -> set[str]:
    """C1 to C7, T1 or Th1 or D1 to T12, L1 to L5, S1 to S5, and the German ones."""
    return {f"{part}{number}" for part, last in SPINE.items() for number in range(1, last + 1)}


if __name__ == "__main__":
    main()
