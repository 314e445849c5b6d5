"""Allowed values of coded and short strings: closed lists, so that no name passes as a term.

Defined and enumerated terms of PS3.3, and terms that scanners write besides. An unknown term is
removed. Coded strings without a list may consist of words of radiology (`descriptor_words`).
"""

import re

# By keyword, for attributes with few terms. All values are in upper case.
TERMS = {
    keyword: frozenset(terms.split())
    for keyword, terms in {
        "Modality": """AR AS ASMT AU BDUS BI BMD CD CF CP CR CS CT CTPROTOCOL DD DF DG DM DMS DOC DS DX EC
            ECG EEG EM EMG EOG EPS ES FA FID FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D MA MG MR
            MS NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG
            RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SC SEG SM SMR SR SRF ST
            STAIN TG TEXTUREMAP US VA VF XA XAPROTOCOL XC""",
        "PatientSex": "M F O",
        "Laterality": "L R",
        "ImageLaterality": "L R B U",
        "FrameLaterality": "L R B U",
        "PatientPosition": "HFP HFS HFDR HFDL FFDR FFDL FFP FFS LFP LFS RFP RFS AFDR AFDL PFDR PFDL",
        "ViewPosition": """AP PA LL RL RLD LLD RLO LLO LAT OBL AX AXIAL LATERAL ANTERIOR POSTERIOR LAO RAO
            LPO RPO CC MLO ML LM LMO SIO XCC XCCL XCCM FB AT CV TAN RM RL SWIM DECUB""",
        "PhotometricInterpretation": """MONOCHROME1 MONOCHROME2 RGB YBR_FULL YBR_FULL_422 YBR_PARTIAL_422
            YBR_PARTIAL_420 YBR_ICT YBR_RCT XYB""",
        "PresentationLUTShape": "IDENTITY INVERSE",
        "VOILUTFunction": "LINEAR LINEAR_EXACT SIGMOID",
        "RescaleType": """HU US OD HU_MOD MGML MG/ML Z_EFF ED EDW PCT CNTS BQML NONE NORMALIZED PROPCNTS
            UNSPECIFIED""",
        "LossyImageCompression": "00 01",
        "LossyImageCompressionMethod": """ISO_10918_1 ISO_14495_1 ISO_15444_1 ISO_15444_15 ISO_13818_2
            ISO_14496_10 ISO_23008_2 ISO_18181_1""",
        "BurnedInAnnotation": "YES NO",
        "ConversionType": "DV DI DF WSD SD SI DRW SYN",
        "ScanningSequence": "SE IR GR EP RM",
        "SequenceVariant": "SK MTC SS TRSS SP MP OSP NONE",
        "MRAcquisitionType": "1D 2D 3D",
        "PresentationIntentType": "PRESENTATION PROCESSING",
        "PixelIntensityRelationship": "LIN LOG DISP",
        "RotationDirection": "CW CC",
        "Units": """CNTS NONE CM2 CM2ML PCNT CPS BQML MGMINML UMOLMINML MLMING MLG 1CM UMOLML PROPCNTS
            PROPCPS MLMINML MLML GML STDDEV SUV""",
        "DoseUnits": "GY RELATIVE",
        "DoseType": "PHYSICAL EFFECTIVE ERROR",
        "CodingSchemeDesignator": """DCM SCT SRT SNM3 99SDM LN UCUM RADLEX FMA NCIT UMLS I10 I9C MDC UBERON
            ITIS_TSN MA MGI NDC ISO639_1 ISO3166_1""",
        "BorderDensity": "BLACK WHITE",
        "EmptyImageDensity": "BLACK WHITE",
        "DoseSummationType": """PLAN MULTI_PLAN PLAN_OVERVIEW FRACTION BEAM BRACHY FRACTION_SESSION
            BEAM_SESSION BRACHY_SESSION CONTROL_POINT RECORD""",
        "ReportedValuesOrigin": "OPERATOR PLANNED ACTUAL",
    }.items()
}
TERMS["ScanOptions"] = TERMS["ScanningSequence"] | frozenset(
    """PER RG CG PPG FC PFF PFP SP FS FAST_GEMS SAT_GEMS PFF_GEMS AXIAL HELICAL SURVIEW SCOUT MODE NONE
    EDR_GEMS
    VASCTOF_GEMS ACC_GEMS IR SAT1 SAT2 FIL_CLASS CGOP OTHER GATED HELIX AXIAL_MODE HELICAL_MODE""".split()
)
TERMS["PhotometricInterpretation"] |= {"PALETTE COLOR"}
TERMS["PresentationIntentType"] |= {"FOR PRESENTATION", "FOR PROCESSING"}
TERMS["ScanOptions"] |= {"CINE MODE", "SCOUT MODE", "AXIAL MODE", "HELICAL MODE"}
# PS3.16 annex L and the context groups of anatomic regions, as files have them in Body Part Examined.
TERMS["BodyPartExamined"] = frozenset(
    """ABDOMEN ABDOMENPELVIS ADRENAL ANKLE ANUS AORTA AORTICARCH APPENDIX ARM ARTERY AXILLA BACK BLADDER
    BODY BONE BOWEL BRAIN BREAST BRONCHUS BUTTOCK CALCANEUS CALF CARDIAC CAROTID CEREBELLUM CERVIX CHEEK
    CHEST CHESTABDOMEN CHESTABDPELVIS CIRCLEOFWILLIS CLAVICLE COCCYX COLON CORNEA CORONARYARTERY CSPINE
    CTSPINE DUODENUM EAR ELBOW ESOPHAGUS EXTREMITY EYE EYELID FACE FEMUR FIBULA FINGER FOOT FOREARM
    GALLBLADDER GLUTEAL HAND HEAD HEADNECK HEART HIP HUMERUS ILEUM ILIUM IAC JAW JEJUNUM JOINT KIDNEY
    KNEE LARYNX LEG LIVER LLEG LSPINE LSSPINE LUMEN LUNG MANDIBLE MASTOID MAXILLA MEDIASTINUM MOUTH MULTIPLE
    NASALBONE NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV NOSE ORBIT OVARY PANCREAS PARATHYROID
    PAROTID PATELLA PELVIS PENIS PHARYNX PROSTATE RECTUM RENAL RIB SACRUM SCALP SCAPULA SCROTUM SELLA
    SHOULDER SIJOINT SINUS SKIN SKULL SPINE SPLEEN SSPINE STERNUM STOMACH SUBMANDIBULAR TESTIS THIGH THORAX
    THUMB THYMUS THYROID TIBIA TIBIAFIBULA TLSPINE TMJ TOE TONGUE TRACHEA TSPINE UPPERARM URETER URETHRA
    UTERUS VAGINA VULVA WHOLEBODY WRIST ZYGOMA HEAD-NECK LOW_EXM UP_EXM PANCREATICDUCT""".split()
)
for _keyword, _terms in {
    "InPlanePhaseEncodingDirection": "ROW COL COLUMN OTHER",
    "CorrectedImage": "UNIF ATTN COLL DTIM MOTN PMOT CLN RAN RADL DCAL NORM NRGY LIN SCAT DECY DECAY",
    "CassetteOrientation": "PORTRAIT LANDSCAPE",
    "ModalityLUTType": "HU US OD HU_MOD MGML Z_EFF ED EDW PCT UNSPECIFIED",
    "ImagedNucleus": "1H H 3HE 7LI 13C 19F 23NA 31P 129XE",
    "ResonantNucleus": "1H H 3HE 7LI 13C 19F 23NA 31P 129XE",
    "ContrastBolusRoute": "IV ORAL RECTAL INTRAVENOUS INTRATHECAL",
}.items():
    TERMS[_keyword] = frozenset(_terms.split())
TERMS["SequenceVariant"] |= {"OTHER"}
TERMS["ScanningSequence"] |= {"OTHER", "RM", "EP\\SE"}
# Allowed in every coded string, as the empty string is.
GENERAL = frozenset(
    """Y N YES NO NONE UNKNOWN TRUE FALSE ON OFF L R B U M F O A P H I S X ORIGINAL DERIVED PRIMARY
    SECONDARY MIXED HU IU CM MM MS SEC PIXEL PCT DEG UM MA KV MGY ML HZ KHZ MHZ KBYTE RAW MPR MIP MINIP
    MOSAIC FFE GRE EPI TSE FSE DIXON ADC TRACEW EADC FA CBF CBV MTT TTP TMAX TEMPERATURE DISPLAY M_FFE M_SE
    I_FFE R_FFE P_FFE ND NORM DIS2D DIS3D FM FIL PHS MAG MAGN SUB SUM VPCT TOMO TOMOSYNTHESIS LOCALIZER
    AXIAL CORONAL SAGITTAL OBLIQUE CT_SOM5 CT_SOM7 CT_SOM8 SPI HELIX SPIRAL STATIC DYNAMIC GATED RECON
    EMISSION TRANSMISSION WHOLE_BODY PROJECTION_IMAGE VOLUME SAMPLED DISTORTED REFORMATTED PROP FROM_MIP
    EPICARDIAL BIPLANE SINGLE PLANE DELAYED FILTERED COMPRESSED AVERAGE REGISTERED POST_PROCESSED CSA
    SCREEN SAVE CAPTURE REPORT DOSE DOSE_INFO SECONDARY_CAPTURE INTEGRATED RESAMPLED GDC OTHER
    BINARY FRACTIONAL LABELMAP PROBABILITY OCCUPANCY AUTOMATIC SEMIAUTOMATIC MANUAL ISO COLOR MONOCHROME
    TRUE_COLOR MODIFIED UNMODIFIED GY 3D 2D 1D 0001 0002 0003 0004 AAA 4CH 2CH CTA MRA MRI PET
    SPECT HIGH LOW LARGE FAST""".split()
)
MAKERS = frozenset(
    """agfa agfa-gevaert acuson ad advanced ait aloka analogic ansaldo biospace bruker bk caramel canon
    carestream
    cerner cti comecer dicom edap eizo elscint elekta esaote eos envision fischer fonar fuji fujifilm ge
    gems g e
    gyroscan general electric medical systems healthcare health imaging images image systems solutions group
    gmbh ag inc corp corporation co ltd llc kg bv sa hologic hitachi imaging iris kodak konica konicaminolta
    minolta koninklijke lodox lorad mallinckrodt marconi mediso medison mindray neusoft nihon kohden nuctech
    offis oldelft philips picker planmed planmeca pixmed pixelmed pydicom samsung sciex sectra siemens
    healthineers shimadzu sirona smit sonosite sonoscape sony sopha stentor supersonic swissray tomtec
    toshiba toshiba_mec trex trophy united uih varian vidar villa vieworks visaris vatech xoran zonare ziehm
    ziehm zeiss carl meditec topcon heidelberg engineering optos nidek olympus pentax karl storz nidek
    3d digital radiography x-ray xray dr systems and of the""".split()
)
MODELS = frozenset(
    """achieva acquilion aquilion aera airis allura alphenix altea amira ambient artis aspect avanto
    biograph
    biomatrix brilliance brightspeed brivo bright cardiac carto ct cube cx50 definition definium diamond
    dimension digitaldiagnost discovery drx duet drive edge elan elite elition emotion epiq espree essenza
    evolution evo excel exact excelart eclipse flash force fcr fonar fusion gemini gendex genesis go top
    all up
    harmony healix hispeed hdx hdxt hdi icon ie33 infinia ingenia ingenuity innova insight integris intera
    iqon iu22 lightspeed logiq lunar lumina lyra magic magnetom mammomat mammodiagnost mobilett mobile
    multix mx8000 mx16 naeotom alpha nova novus open optima orian orchestra panorama perspective pinnacle
    plus portrait power precedence precision prime prisma pro pristina prospeed pulsera quasar
    radiance revolution rx s sola senographe essential selenia sensation sequoia sigma signa sireskop
    simplicity skyra scope skylight somatom sonata sonos spectra spirit symbia symphony syngo system tim
    tims
    titan trio triathlon truebeam turbo ultra vantage verio vida viamo vision vivid voluson volume xeleris
    xl xpress xr xt xvi zoom zeus workstation workspace advantage aw vitrea dcmtk offis pixelmed pet mr
    mri mg
    us dx cr rf xa nm scanner station hd hp se sl vct qxi ultrafast tomo tomosynthesis 3dimensions
    dimensions giotto inspiration""".split()
)
KERNELS = frozenset(
    """standard bone boneplus lung soft detail edge chest chst smooth sharp std brain abdomen ultra stnd
    body head
    filter none ramp hanning hann shepp logan butterworth gaussian xyz post psf tof allpass medium low
    high extra normal iterative y-sharp y-detail""".split()
)
# Two digits, and the strength of iterative reconstruction: B30f, Br40d\3, Qr36, FC08-H.
KERNEL = re.compile(r"[a-z]{1,2}\d{1,2}(-?[a-z])?(\\\d)?", re.IGNORECASE | re.ASCII)
UNIT = re.compile(
    r"(\{?(ratio|counts|pixels|score|no units|hounsfield unit|SUVbw)\}?|\[?hnsf'U\]?|%|1|"
    r"(10\*-?\d+)?[munkMGcdh]?(m|g|s|A|V|Gy|Bq|l|L|Hz|mol|min|h|d|T|J|W|rad|deg|cel|Cel)\d?)"
    r"([./*]\d{0,3}(min|[munkMGcdh]?(m|g|s|A|V|Gy|Bq|l|L|Hz|mol|h|d|T)\d?))*"
)
